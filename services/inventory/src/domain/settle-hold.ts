import type { EventData, NewEvent } from '@flash-sale/contract/events/schemas.ts';
import type { Hold, InventoryState } from './state.ts';

/** The order is paid: the held units are sold, unless the hold has gone before. */
export function commit(paid: EventData<'order.paid'>, state: InventoryState): NewEvent[] {
  const { reservationId, orderId, userId } = paid;
  const hold = state.holds.get(reservationId);
  // A repeat so late that the inbox has forgotten it: its answer has been given.
  if (hold?.state === 'committed') return [];
  if (hold?.state !== 'held') {
    return [{ type: 'stock.commit-refused', data: { reservationId, orderId, userId } }];
  }
  state.moveHold(hold, 'committed');
  for (const { productId, quantity } of hold.items) {
    state.changeStock(state.stock.get(productId)!, { held: -quantity, sold: quantity });
    state.changeUnpaid(productId, hold.userId, -quantity);
  }
  return [{ type: 'stock.committed', data: { reservationId, orderId, userId } }];
}

/**
 * The shopper no longer wants it. A cancellation that overtakes its request leaves a released hold behind, on which the
 * request will find that there is nothing left to do.
 */
export function cancel(cancelled: EventData<'reservation.cancelled'>, state: InventoryState, now: Date): NewEvent[] {
  const { reservationId, orderId, userId } = cancelled;
  const hold = state.holds.get(reservationId);
  if (hold) return hold.state === 'held' ? release(hold, 'cancelled', state) : [];
  state.addHold({ reservationId, orderId, userId, state: 'released', items: [], expiresAt: now });
  return [{ type: 'stock.released', data: { reservationId, orderId, userId, reason: 'cancelled' } }];
}

/** Nobody paid in time. Changes nothing when somebody was faster. */
export function expire(reservationId: string, state: InventoryState, now: Date): NewEvent[] {
  const hold = state.holds.get(reservationId);
  return hold?.state === 'held' && hold.expiresAt <= now ? release(hold, 'expired', state) : [];
}

function release(hold: Hold, reason: 'cancelled' | 'expired', state: InventoryState): NewEvent[] {
  const { reservationId, orderId, userId } = hold;
  state.moveHold(hold, 'released');
  for (const { productId, quantity } of hold.items) {
    const stock = state.stock.get(productId)!;
    state.changeStock(stock, { held: -quantity });
    state.changeUnits(stock.product, userId, -quantity);
    state.changeUnpaid(productId, userId, -quantity);
  }
  return [{ type: 'stock.released', data: { reservationId, orderId, userId, reason } }];
}
