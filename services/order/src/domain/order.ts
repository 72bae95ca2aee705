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
  // Its hold has ended too: it can no longer be paid.
  if (context.isForgotten(orderId) && new Date(expiresAt) <= context.now) return nothing;
  state.put({ ...newOrder(held), details });
  return { events: [{ type: 'order.opened', data: { orderId, userId, totalCents, currency, expiresAt } }] };
}

/**
 * No units are held for the order any more, or never were. A paid order is left to the answer to its `order.paid`. An unknown one
 * is stored as cancelled, for clients that already ask for it or pay it.
 */
export function cancel(without: EventData<'stock.released'> | EventData<'stock.refused'>, state: OrderState): Result {
  const order = state.find(without.orderId) ?? newOrder(without);
  if (order.status !== 'awaiting-payment') return nothing;
  state.put(become(order, 'cancelled'));
  return { events: [{ type: 'order.cancelled', data: { orderId: order.id } }] };
}

/** The payment was captured: asks the inventory to sell the units, or, if the order has ended, for a refund. */
export function pay(captured: EventData<'payment.captured'>, state: OrderState, context: Context): Result {
  const { orderId, paymentId } = captured;
  const refundDue: NewEvent = { type: 'order.refund-due', data: { orderId, paymentId } };
  // The order ended unpaid and was removed before the gateway reported the payment.
  if (isRemoved(orderId, state, context)) return { events: [refundDue] };
  const order = state.get(orderId);
  // A repeat that the inbox no longer recognises. To refund it would give away what this payment has bought.
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

/** The units are sold: the order is complete. */
export function confirm({ orderId }: EventData<'stock.committed'>, state: OrderState): Result {
  const order = state.get(orderId);
  if (order.status !== 'confirmed') state.put(become(order, 'confirmed'));
  return nothing;
}

/** The units went back on sale before the payment: asks for a refund. */
export function refuseCommit({ orderId }: EventData<'stock.commit-refused'>, state: OrderState): Result {
  const { status, paymentId } = state.get(orderId);
  // A repeat that the inbox no longer recognises: the money is back already.
  if (status === 'refunded') return nothing;
  if (status !== 'paid' || !paymentId) throw new Error(`no payment to refund for a ${status} order`);
  return { events: [{ type: 'order.refund-due', data: { orderId, paymentId } }] };
}

/** The payment was refunded. */
export function refund(refunded: EventData<'payment.refunded'>, state: OrderState, context: Context): Result {
  const { orderId, paymentId } = refunded;
  if (isRemoved(orderId, state, context)) return nothing;
  const order = state.get(orderId);
  // The refund of a second payment leaves what the first has bought.
  if (order.paymentId !== paymentId) return nothing;
  // A repeat that the inbox no longer recognises.
  if (order.status === 'refunded') return nothing;
  state.put(become(order, 'refunded'));
  return order.status === 'paid' ? { events: [{ type: 'order.cancelled', data: { orderId } }] } : nothing;
}

/** The payment was declined; another one may follow. */
export function decline({ orderId }: EventData<'payment.declined'>, state: OrderState, context: Context): Result {
  if (isRemoved(orderId, state, context)) return nothing;
  const order = state.get(orderId);
  state.put({ ...order, declinedPayments: order.declinedPayments + 1 });
  return nothing;
}

/** An order that is unknown and too old still to arrive has ended unpaid and was removed. */
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
