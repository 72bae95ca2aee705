import type { EventData, NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { nothing, type Context, type Result } from '@flash-sale/shared/messaging/decision.ts';
import { become, type Order, type OrderState } from './state.ts';

type Ids = Pick<EventData<'stock.released'>, 'orderId' | 'reservationId' | 'userId'>;

/** The units are held: the order can be paid. */
export function open(held: EventData<'stock.held'>, state: OrderState, context: Context): Result {
  const { orderId, userId, items, totalCents, currency, expiresAt } = held;
  const details = { items, totalCents, currency, expiresAt };
  const order = state.find(orderId);
  if (order) {
    state.put({ ...order, details });
    return nothing;
  }
  // Its hold has ended as well: nobody could pay it any more.
  if (context.isForgotten(orderId) && new Date(expiresAt) <= context.now) return nothing;
  state.put({ ...newOrder(held), details });
  return { events: [{ type: 'order.opened', data: { orderId, userId, totalCents, currency, expiresAt } }] };
}

/**
 * There are no units for the order: they are on sale again, or never were held. A paid order is decided by the answer to
 * its `order.paid`; one that is not known yet is noted as cancelled, for those who ask for it or pay it already.
 */
export function cancel(without: EventData<'stock.released'> | EventData<'stock.refused'>, state: OrderState): Result {
  const order = state.find(without.orderId) ?? newOrder(without);
  if (order.status !== 'awaiting-payment') return nothing;
  state.put(become(order, 'cancelled'));
  return { events: [{ type: 'order.cancelled', data: { orderId: order.id } }] };
}

/** The money is here: ask for the units; or, when they are gone already, send it back. */
export function pay(captured: EventData<'payment.captured'>, state: OrderState, context: Context): Result {
  const { orderId, paymentId } = captured;
  const refundDue: NewEvent = { type: 'order.refund-due', data: { orderId, paymentId } };
  // It ended unpaid so long ago that it was removed: the gateway took long to tell.
  if (isRemoved(orderId, state, context)) return { events: [refundDue] };
  const order = state.get(orderId);
  // A replay from long ago, when the inbox has forgotten: to refund it would give away what the payment has bought.
  if (order.paymentId === paymentId) return nothing;
  if (order.paymentId !== null) return { events: [refundDue] };
  if (order.status !== 'awaiting-payment' || !order.details) {
    state.put({ ...order, paymentId });
    return { events: [refundDue] };
  }
  state.put({ ...become(order, 'paid'), paymentId });
  const items = order.details.items.map(({ productId, quantity }) => ({ productId, quantity }));
  const { reservationId, userId } = order;
  return { events: [{ type: 'order.paid', data: { reservationId, orderId, userId, items } }] };
}

/** The units are sold: done. */
export function confirm({ orderId }: EventData<'stock.committed'>, state: OrderState): Result {
  const order = state.get(orderId);
  if (order.status !== 'confirmed') state.put(become(order, 'confirmed'));
  return nothing;
}

/** The units went back on sale before the payment came: send the money back. */
export function refuseCommit({ orderId }: EventData<'stock.commit-refused'>, state: OrderState): Result {
  const { status, paymentId } = state.get(orderId);
  // A replay from long ago, when the inbox has forgotten: the money is back already.
  if (status === 'refunded') return nothing;
  if (status !== 'paid' || !paymentId) throw new Error(`no payment to refund for a ${status} order`);
  return { events: [{ type: 'order.refund-due', data: { orderId, paymentId } }] };
}

/** The money went back. */
export function refund(refunded: EventData<'payment.refunded'>, state: OrderState, context: Context): Result {
  const { orderId, paymentId } = refunded;
  if (isRemoved(orderId, state, context)) return nothing;
  const order = state.get(orderId);
  // A second captured payment of the same order is refunded without touching what the first has bought.
  if (order.paymentId !== paymentId) return nothing;
  // A replay from long ago, when the inbox has forgotten.
  if (order.status === 'refunded') return nothing;
  state.put(become(order, 'refunded'));
  return order.status === 'paid' ? { events: [{ type: 'order.cancelled', data: { orderId } }] } : nothing;
}

/** No money came; the order may be paid by another try. */
export function decline({ orderId }: EventData<'payment.declined'>, state: OrderState, context: Context): Result {
  if (isRemoved(orderId, state, context)) return nothing;
  const order = state.get(orderId);
  state.put({ ...order, declinedPayments: order.declinedPayments + 1 });
  return nothing;
}

/** An order that is not there, and too old to be expected, has ended unpaid and was removed. */
const isRemoved = (id: string, state: OrderState, context: Context): boolean =>
  !state.find(id) && context.isForgotten(id);

const newOrder = ({ orderId, reservationId, userId }: Ids): Order => ({
  id: orderId,
  reservationId,
  userId,
  status: 'awaiting-payment',
  details: null,
  paymentId: null,
  declinedPayments: 0,
});
