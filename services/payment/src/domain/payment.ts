import type { EventData, NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { nothing, refuse, type Context, type Refused, type Result } from '@flash-sale/shared/messaging/decision.ts';
import type { Payable, Payment, PaymentState } from './state.ts';

export interface PayInput {
  paymentId: string;
  orderId: string;
  userId: string;
  idempotencyKey: string;
  methodToken: string;
}
export type PayRefusal = 'already-paid' | 'payment-under-way' | 'order-not-payable' | 'idempotency-key-reused';
/** With what opened the order, where it is known. */
export type PayResult =
  (Result & { payment: Payment; repeated: boolean; origin?: string | undefined }) | Refused<PayRefusal>;

/** Accepts a payment; a repeat of its key returns the same payment. The gateway is asked afterwards. */
export function pay(input: PayInput, state: PaymentState, context: Context): PayResult {
  const { paymentId: id, orderId, userId, idempotencyKey, methodToken } = input;
  const earlier = state.paymentByKey(userId, idempotencyKey);
  if (earlier) {
    const same = earlier.orderId === orderId && earlier.methodToken === methodToken;
    return same ? { payment: earlier, repeated: true, events: [] } : refuse('idempotency-key-reused');
  }
  const payable = state.payable(orderId);
  if (payable.paymentId !== null) {
    const other = state.payment(payable.paymentId);
    // Its money went back when the order ended: "already paid" would be untrue.
    if (other?.status === 'refunded') return refuse('order-not-payable');
    return refuse(other?.status === 'pending' ? 'payment-under-way' : 'already-paid');
  }
  // Nothing is known of the order: if it is old, it has ended and its payable was removed.
  const hasEnded = payable.due ? payable.due.expiresAt <= context.now : context.isForgotten(orderId);
  if (payable.status === 'closed' || hasEnded) return refuse('order-not-payable');
  const payment: Payment = {
    id,
    orderId,
    userId,
    idempotencyKey,
    methodToken,
    status: 'pending',
    amountCents: null,
    currency: null,
    reason: null,
  };
  state.addPayment(payment);
  state.changePayable(payable, { paymentId: id });
  const events = payable.due ? [request(payment, payable.due, state)] : [];
  return { payment, repeated: false, origin: payable.origin, events };
}

/** The order has arrived: a payment that waited for it goes on. */
export function open(opened: EventData<'order.opened'>, state: PaymentState, { now, origin }: Context): Result {
  const payable = state.payable(opened.orderId);
  if (payable.status !== 'awaited') return nothing;
  const due = { amountCents: opened.totalCents, currency: opened.currency, expiresAt: new Date(opened.expiresAt) };
  state.changePayable(payable, { status: 'open', due, origin });
  const waiting = waitingPayment(payable, state);
  if (!waiting) return nothing;
  if (due.expiresAt <= now) return decline(waiting, payable, 'order-not-payable', state);
  return { events: [request(waiting, due, state)] };
}

/** The order has ended: it can no longer be paid, and a payment that waited for it is declined. */
export function close(cancelled: EventData<'order.cancelled'>, state: PaymentState): Result {
  const payable = state.payable(cancelled.orderId);
  if (payable.status === 'closed') return nothing;
  state.changePayable(payable, { status: 'closed' });
  const waiting = waitingPayment(payable, state);
  return waiting ? decline(waiting, payable, 'order-not-payable', state) : nothing;
}

/** The order has not arrived in time, nor its cancellation: declines the payment that waits for it. */
export function giveUp({ paymentId }: { paymentId: string; orderId: string }, state: PaymentState): Result {
  const payment = state.payment(paymentId);
  if (!payment) return nothing;
  const payable = state.payable(payment.orderId);
  const isWaiting = payable.status === 'awaited' && waitingPayment(payable, state) === payment;
  return isWaiting ? decline(payment, payable, 'order-not-payable', state) : nothing;
}

export type GatewayOutcome = { captured: true } | { captured: false; reason: string };

/** The gateway has answered. Whether the order can still use the money is for the order service to decide. */
export function settle(
  { requested, outcome }: { requested: EventData<'payment.requested'>; outcome: GatewayOutcome },
  state: PaymentState,
): Result {
  const payment = state.payment(requested.paymentId);
  if (!payment) throw new Error(`payment ${requested.paymentId} is not known`);
  if (payment.status !== 'pending') return nothing;
  if (!outcome.captured) return decline(payment, state.payable(payment.orderId), outcome.reason, state);
  const { paymentId, orderId, amountCents, currency } = requested;
  state.changePayment(payment, { status: 'captured' });
  return { events: [{ type: 'payment.captured', data: { paymentId, orderId, amountCents, currency } }] };
}

/** Whether the shopper tried to pay and failed: the gateway declined, or the money came too late and was refunded. */
export const wasTriedInVain = ({ status, reason }: Payment): boolean =>
  status === 'refunded' || (status === 'declined' && reason !== 'order-not-payable');

/** The gateway has refunded the payment. */
export function refund(due: EventData<'order.refund-due'>, state: PaymentState): Result {
  const payment = state.payment(due.paymentId);
  // A repeat that the inbox no longer recognises.
  if (payment?.status === 'refunded') return nothing;
  if (payment?.status !== 'captured') throw new Error(`payment ${due.paymentId} has nothing to refund`);
  state.changePayment(payment, { status: 'refunded' });
  const { id: paymentId, orderId, amountCents, currency } = payment;
  const data = { paymentId, orderId, amountCents: amountCents!, currency: currency! };
  return { events: [{ type: 'payment.refunded', data }] };
}

/** The payment, if any, that has not been requested from the gateway because its order has not arrived. */
function waitingPayment(payable: Payable, state: PaymentState): Payment | undefined {
  const payment = payable.paymentId === null ? undefined : state.payment(payable.paymentId);
  return payment?.status === 'pending' && payment.amountCents === null ? payment : undefined;
}

function request(payment: Payment, due: NonNullable<Payable['due']>, state: PaymentState): NewEvent {
  const { amountCents, currency } = due;
  state.changePayment(payment, { amountCents, currency });
  const { id: paymentId, orderId, methodToken } = payment;
  return { type: 'payment.requested', data: { paymentId, orderId, amountCents, currency, methodToken } };
}

/** Declines a payment, so that the order may be paid by another one. */
function decline(payment: Payment, payable: Payable, reason: string, state: PaymentState): Result {
  state.changePayment(payment, { status: 'declined', reason });
  state.changePayable(payable, { paymentId: null });
  // An order that never arrived is not told.
  if (!payable.due) return nothing;
  return { events: [{ type: 'payment.declined', data: { paymentId: payment.id, orderId: payment.orderId, reason } }] };
}
