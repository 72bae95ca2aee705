import { refuse, type Refused } from '@flash-sale/shared/messaging/decision.ts';

/** How much one shopper may have unpaid; 0 lifts a bound. */
export interface Bounds {
  /** Reservations that are pending or held. */
  openMax: number;
  /** Holds that were given back unpaid within the last hour, each by what it counts. */
  leftMax: number;
}

export const unbounded: Bounds = { openMax: 0, leftMax: 0 };

/** How a shopper who reserves stands, read under a lock that all reserving of this shopper shares. */
export interface Standing {
  /** Reservations that are pending or held; counted no further than the bound. */
  open: number;
  /** Holds that were given back unpaid, and that still count; the one with the latest deadline first. */
  left: LeftHold[];
}

/** A hold that was given back unpaid. */
export interface LeftHold {
  orderId: string;
  reservedAt: Date;
  /** Null when it was left to expire. */
  cancelledAt: Date | null;
  /** Its deadline, whether it was reached or not. */
  expiresAt: Date;
}

/** A shopper has as much unpaid as one may have; or has given back so much unpaid that it is time to wait. */
export type BoundRefusal =
  Refused<'too-many-open'> | (Refused<'too-many-left'> & { orderIds: string[]; retryAt: Date });

/** For so long after its deadline a hold that was given back unpaid counts against its shopper. */
export const leftCountsForMs = 3_600_000;
/** What such a hold counts at least, however soon it was given back: to hold and cancel all the time is no way to hold for free. */
export const minPercent = 10;

/**
 * Why a shopper who stands so may not reserve now, if that is so.
 * @param triedOrders orders whose payment was tried: their holds count less
 */
export function boundRefusal(
  { open, left }: Standing,
  triedOrders: string[],
  { openMax, leftMax }: Bounds,
): BoundRefusal | undefined {
  if (openMax > 0 && open >= openMax) return refuse('too-many-open');
  if (leftMax === 0) return undefined;
  let percent = 0;
  for (const hold of left) {
    percent += percentOf(hold, triedOrders.includes(hold.orderId));
    if (percent < leftMax * 100) continue;
    // Once this one does not count any more, those after it are below the bound.
    const retryAt = new Date(hold.expiresAt.getTime() + leftCountsForMs);
    return { ...refuse('too-many-left'), orderIds: left.map(({ orderId }) => orderId), retryAt };
  }
  return undefined;
}

/**
 * What a hold that was given back unpaid counts, in percent of one that was left to expire: the share of its time for which it
 * kept the units from others. So a cancellation in the last second counts as an expiry, and one right away hardly. Where a
 * payment was tried it is half: a card may be declined, but that does not make holding free.
 */
export function percentOf({ reservedAt, cancelledAt, expiresAt }: LeftHold, tried: boolean): number {
  const promisedMs = Math.max(1, expiresAt.getTime() - reservedAt.getTime());
  const askedAfterMs = cancelledAt === null ? promisedMs : cancelledAt.getTime() - reservedAt.getTime();
  const heldMs = Math.min(promisedMs, askedAfterMs);
  return Math.max(minPercent, Math.ceil(((tried ? 50 : 100) * heldMs) / promisedMs));
}
