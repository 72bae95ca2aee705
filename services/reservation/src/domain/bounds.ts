import { refuse, type Refused } from '@flash-sale/shared/messaging/decision.ts';

/** How much one shopper may have unpaid; 0 means no bound. */
export interface Bounds {
  /** Reservations that are pending or held. */
  openMax: number;
  /** Holds abandoned (released unpaid) within the last hour, each weighed by `percentOf`. */
  leftMax: number;
}

export const unbounded: Bounds = { openMax: 0, leftMax: 0 };

/** What a shopper has open and has abandoned, read under a lock that is held by whoever reserves for this shopper. */
export interface Standing {
  /** Reservations that are pending or held, counted up to the bound. */
  open: number;
  /** Abandoned holds that still count, the latest deadline first. */
  left: LeftHold[];
}

/** A hold that was abandoned: released unpaid. */
export interface LeftHold {
  orderId: string;
  reservedAt: Date;
  /** Null when it expired. */
  cancelledAt: Date | null;
  /** Its deadline, whether it was reached or not. */
  expiresAt: Date;
}

/** The shopper has too many open reservations, or has abandoned so many holds that the next must wait. */
export type BoundRefusal =
  Refused<'too-many-open'> | (Refused<'too-many-left'> & { orderIds: string[]; retryAt: Date });

/** How long after its deadline an abandoned hold counts against its shopper. */
export const leftCountsForMs = 3_600_000;
/** The least weight of an abandoned hold, however soon it was cancelled: holding and cancelling in turn must not be free. */
export const minPercent = 10;

/**
 * Why this shopper may not reserve now; undefined if they may.
 * @param triedOrders orders whose payment was attempted: their holds count less
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
    // Once this one no longer counts, the rest is below the bound.
    const retryAt = new Date(hold.expiresAt.getTime() + leftCountsForMs);
    return { ...refuse('too-many-left'), orderIds: left.map(({ orderId }) => orderId), retryAt };
  }
  return undefined;
}

/**
 * The weight of an abandoned hold, in percent of one that expired: the share of its time for which it kept the units from others.
 * So a cancellation in the last second weighs as much as an expiry, and an immediate one hardly anything. It is halved if a payment
 * was attempted: a card may be declined, but that must not make holding free.
 */
export function percentOf({ reservedAt, cancelledAt, expiresAt }: LeftHold, tried: boolean): number {
  const promisedMs = Math.max(1, expiresAt.getTime() - reservedAt.getTime());
  const askedAfterMs = cancelledAt === null ? promisedMs : cancelledAt.getTime() - reservedAt.getTime();
  const heldMs = Math.min(promisedMs, askedAfterMs);
  return Math.max(minPercent, Math.ceil(((tried ? 50 : 100) * heldMs) / promisedMs));
}
