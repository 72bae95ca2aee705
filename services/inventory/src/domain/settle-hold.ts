import type { EventData } from '@flash-sale/contract/events/schemas.ts';
import { nothing, type Context, type Result } from '@flash-sale/shared/messaging/decision.ts';
import type { Hold, InventoryState } from './state.ts';

/** The order is paid: turns held units into sold ones, unless the hold was released before. */
export function commit(paid: EventData<'order.paid'>, state: InventoryState): Result {
  const { reservationId, orderId, userId } = paid;
  const hold = state.holds.get(reservationId);
  // A repeat that the inbox no longer recognises: it was answered the first time.
  if (hold?.state === 'committed') return nothing;
  if (hold?.state !== 'held') {
    return { events: [{ type: 'stock.commit-refused', data: { reservationId, orderId, userId } }] };
  }
  state.moveHold(hold, 'committed');
  for (const { productId, quantity } of hold.items) {
    state.changeStock(state.stock.get(productId)!, { held: -quantity, sold: quantity });
    state.changeUnpaid(productId, hold.userId, -quantity);
  }
  return { events: [{ type: 'stock.committed', data: { reservationId, orderId, userId } }] };
}

/**
 * The shopper has cancelled: releases the hold. A cancellation that overtakes its request stores a released hold, so that the
 * request does nothing when it arrives.
 */
export function cancel(cancelled: EventData<'reservation.cancelled'>, state: InventoryState, { now }: Context): Result {
  const { reservationId, orderId, userId } = cancelled;
  const hold = state.holds.get(reservationId);
  if (hold) return hold.state === 'held' ? release(hold, 'cancelled', state) : nothing;
  state.addHold({ reservationId, orderId, userId, state: 'released', items: [], expiresAt: now });
  return { events: [{ type: 'stock.released', data: { reservationId, orderId, userId, reason: 'cancelled' } }] };
}

/** A hold whose deadline has passed, with the shopper and lines by which its rows are found and locked. */
export type DueHold = Pick<Hold, 'reservationId' | 'userId' | 'items'>;

/** Releases a hold that was not paid in time. Does nothing if it has been committed or released meanwhile. */
export function expire({ reservationId }: DueHold, state: InventoryState, { now }: Context): Result {
  const hold = state.holds.get(reservationId);
  return hold?.state === 'held' && hold.expiresAt <= now ? release(hold, 'expired', state) : nothing;
}

function release(hold: Hold, reason: 'cancelled' | 'expired', state: InventoryState): Result {
  const { reservationId, orderId, userId } = hold;
  state.moveHold(hold, 'released');
  for (const { productId, quantity } of hold.items) {
    const stock = state.stock.get(productId)!;
    state.changeStock(stock, { held: -quantity });
    state.changeUnits(stock.product, userId, -quantity);
    state.changeUnpaid(productId, userId, -quantity);
  }
  return { events: [{ type: 'stock.released', data: { reservationId, orderId, userId, reason } }] };
}
