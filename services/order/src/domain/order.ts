import type { EventData, NewEvent } from '@flash-sale/contract/events/schemas.ts';

/**
 * Each status's allowed next ones. A cancelled order becomes refunded when a payment was captured all the same, and
 * its money went back.
 */
export const orderStatuses = {
  'awaiting-payment': ['paid', 'cancelled'],
  paid: ['confirmed', 'refunded'],
  confirmed: [],
  cancelled: ['refunded'],
  refunded: [],
} as const satisfies Record<string, readonly string[]>;
export type OrderStatus = keyof typeof orderStatuses;

export interface OrderLine {
  productId: string;
  name: string;
  quantity: number;
  unitPriceCents: number;
}

export interface Order {
  id: string;
  reservationId: string;
  userId: string;
  status: OrderStatus;
  /** Null while only its end is known: nothing was held for it, or `stock.released` has overtaken `stock.held`. */
  details: { items: OrderLine[]; totalCents: number; currency: string; expiresAt: string } | null;
  /** The captured payment. */
  paymentId: string | null;
  declinedPayments: number;
}

export interface Decision {
  order: Order;
  events: NewEvent[];
}

/** @throws when the table does not allow it: a bug */
export function become(order: Order, status: OrderStatus): Order {
  if (!(orderStatuses[order.status] as readonly OrderStatus[]).includes(status)) {
    throw new Error(`a ${order.status} order cannot become ${status}`);
  }
  return { ...order, status };
}

/** The units are held: the order can be paid. */
export function open(order: Order | undefined, held: EventData<'stock.held'>): Decision {
  const { orderId, reservationId, userId, items, totalCents, currency, expiresAt } = held;
  const details = { items, totalCents, currency, expiresAt };
  if (order) return { order: { ...order, details }, events: [] };
  return {
    order: {
      id: orderId,
      reservationId,
      userId,
      status: 'awaiting-payment',
      details,
      paymentId: null,
      declinedPayments: 0,
    },
    events: [{ type: 'order.opened', data: { orderId, userId, totalCents, currency, expiresAt } }],
  };
}

/**
 * There are no units for the order: they are on sale again, or never were held. A paid order is decided by the answer to
 * its `order.paid`; one that is not known yet is noted as cancelled, for those who ask for it or pay it already.
 */
export function cancel(
  order: Order | undefined,
  without: EventData<'stock.released'> | EventData<'stock.refused'>,
): Decision | undefined {
  const { orderId, reservationId, userId } = without;
  const cancelled: NewEvent = { type: 'order.cancelled', data: { orderId } };
  if (!order) {
    return {
      order: {
        id: orderId,
        reservationId,
        userId,
        status: 'cancelled',
        details: null,
        paymentId: null,
        declinedPayments: 0,
      },
      events: [cancelled],
    };
  }
  return order.status === 'awaiting-payment' ? { order: become(order, 'cancelled'), events: [cancelled] } : undefined;
}

/** The money is here: ask for the units; or, when they are gone already, send it back. */
export function pay(order: Order, captured: EventData<'payment.captured'>): Decision {
  const { orderId, paymentId } = captured;
  // A replay from long ago, when the inbox has forgotten: to refund it would give away what the payment has bought.
  if (order.paymentId === paymentId) return { order, events: [] };
  const paidAlready = order.paymentId !== null;
  if (order.status !== 'awaiting-payment' || paidAlready || !order.details) {
    const refundDue: NewEvent = { type: 'order.refund-due', data: { orderId, paymentId } };
    return { order: paidAlready ? order : { ...order, paymentId }, events: [refundDue] };
  }
  const items = order.details.items.map(({ productId, quantity }) => ({ productId, quantity }));
  const { reservationId, userId } = order;
  return {
    order: { ...become(order, 'paid'), paymentId },
    events: [{ type: 'order.paid', data: { reservationId, orderId, userId, items } }],
  };
}

/** Money for an order that ended unpaid so long ago that it was removed: its gateway took long to tell. Send it back. */
export const refuseStray = ({ orderId, paymentId }: EventData<'payment.captured'>): NewEvent[] => [
  { type: 'order.refund-due', data: { orderId, paymentId } },
];

/** The units are sold: done. */
export const confirm = (order: Order): Decision =>
  order.status === 'confirmed' ? { order, events: [] } : { order: become(order, 'confirmed'), events: [] };

/** The units went back on sale before the payment came: send the money back. */
export function refuseCommit(order: Order): Decision {
  // A replay from long ago, when the inbox has forgotten: the money is back already.
  if (order.status === 'refunded') return { order, events: [] };
  if (order.status !== 'paid' || !order.paymentId) throw new Error(`no payment to refund for a ${order.status} order`);
  return { order, events: [{ type: 'order.refund-due', data: { orderId: order.id, paymentId: order.paymentId } }] };
}

/** The money went back. */
export function refund(order: Order, refunded: EventData<'payment.refunded'>): Decision {
  // A second captured payment of the same order is refunded without touching what the first has bought.
  if (order.paymentId !== refunded.paymentId) return { order, events: [] };
  // A replay from long ago, when the inbox has forgotten.
  if (order.status === 'refunded') return { order, events: [] };
  const events: NewEvent[] = order.status === 'paid' ? [{ type: 'order.cancelled', data: { orderId: order.id } }] : [];
  return { order: become(order, 'refunded'), events };
}

export const decline = (order: Order): Decision => ({
  order: { ...order, declinedPayments: order.declinedPayments + 1 },
  events: [],
});
