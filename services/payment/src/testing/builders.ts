import { newId } from '@flash-sale/shared/ids.ts';
import type { Context } from '@flash-sale/shared/messaging/decision.ts';
import type { PayInput } from '../domain/payment.ts';
import { PaymentState, type Payable, type Payment } from '../domain/state.ts';

export const now = new Date('2030-06-01T12:00:00.000Z');
export const later = (ms: number): Date => new Date(now.getTime() + ms);

/** The context of a decision at that time, with an inbox that forgets nothing. */
export const at = (time: Date, overrides: Partial<Context> = {}): Context => ({
  now: time,
  isForgotten: () => false,
  ...overrides,
});

const due = { amountCents: 4_900, currency: 'EUR', expiresAt: later(120_000) };

/** An order that may be paid for two minutes, unless told otherwise. */
export const aPayable = (overrides: Partial<Payable> = {}): Payable => ({
  orderId: newId(),
  status: 'open',
  due,
  paymentId: null,
  ...overrides,
});

/** The payable of an order that has not arrived. */
export const anAwaited = (overrides: Partial<Payable> = {}): Payable =>
  aPayable({ status: 'awaited', due: null, ...overrides });

export const aPayment = (overrides: Partial<Payment> = {}): Payment => ({
  id: newId(),
  orderId: newId(),
  userId: newId(),
  idempotencyKey: newId(),
  methodToken: 'tok_ok',
  status: 'pending',
  amountCents: 4_900,
  currency: 'EUR',
  reason: null,
  ...overrides,
});

/** A payment of this payable. For an awaited order it has not been requested, so it has no amount yet. */
export function aPaymentOf(payable: Payable, overrides: Partial<Payment> = {}): Payment {
  const requested = payable.due ? {} : { amountCents: null, currency: null };
  const payment = aPayment({ orderId: payable.orderId, ...requested, ...overrides });
  payable.paymentId = payment.id;
  return payment;
}

/** What a shopper sends to pay, with a new key. */
export const toPay = ({ orderId }: { orderId: string }, overrides: Partial<PayInput> = {}): PayInput => ({
  paymentId: newId(),
  orderId,
  userId: newId(),
  idempotencyKey: newId(),
  methodToken: 'tok_ok',
  ...overrides,
});

export const given = (loaded: { payables?: Payable[]; payments?: Payment[] }): PaymentState =>
  new PaymentState({ payables: [], payments: [], ...loaded });

/** Whether nothing would be saved. */
export const untouched = (state: PaymentState): boolean =>
  [state.changedPayables, state.newPayments, state.changedPayments].every(({ size }) => size === 0);
