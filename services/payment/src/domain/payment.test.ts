import { describe, expect, test } from '@jest/globals';
import type { EventData } from '@flash-sale/contract/events/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import {
  anAwaited,
  anOutbox,
  aPayable,
  aPayment,
  aPaymentOf,
  given,
  later,
  now,
  toPay,
  untouched,
} from '../testing/builders.ts';
import { close, giveUp, open, pay, refund, settle, type GatewayOutcome } from './payment.ts';
import type { Payable, Payment, PaymentState, PaymentStatus } from './state.ts';

const captured: GatewayOutcome = { captured: true };
const declined: GatewayOutcome = { captured: false, reason: 'card-declined' };

const requestedFor = ({ id, orderId, methodToken }: Payment): EventData<'payment.requested'> => ({
  paymentId: id,
  orderId,
  amountCents: 4_900,
  currency: 'EUR',
  methodToken,
});
const openedFor = ({ orderId }: Payable, overrides: Partial<EventData<'order.opened'>> = {}) => ({
  orderId,
  userId: newId(),
  totalCents: 4_900,
  currency: 'EUR',
  expiresAt: later(120_000).toISOString(),
  ...overrides,
});
const paymentIn = (result: ReturnType<typeof pay>): Payment => {
  if ('refusal' in result) throw new Error(`refused: ${result.refusal}`);
  return result.payment;
};
/** The only payment that has been requested of the gateway, or is about to be, per order. */
const outcomeOf = (payment: Payment, outcome: GatewayOutcome, state: PaymentState, emit = anOutbox().emit) =>
  settle(requestedFor(payment), outcome, state, emit);

describe('pay', () => {
  test('requests the amount due from the gateway', () => {
    const payable = aPayable();
    const state = given({ payables: [payable] });
    const { events, emit } = anOutbox();
    const input = toPay(payable);

    const payment = paymentIn(pay(input, state, now, emit));

    const { paymentId, orderId, userId, idempotencyKey, methodToken } = input;
    expect(payment).toEqual({
      id: paymentId,
      orderId,
      userId,
      idempotencyKey,
      methodToken,
      status: 'pending',
      amountCents: 4_900,
      currency: 'EUR',
      reason: null,
    });
    expect(events).toEqual([
      { type: 'payment.requested', data: { paymentId, orderId, amountCents: 4_900, currency: 'EUR', methodToken } },
    ]);
    expect([...state.newPayments]).toEqual([payment]);
    expect([...state.changedPayables]).toEqual([{ ...payable, paymentId }]);
  });

  test.each<PaymentStatus>(['pending', 'captured', 'declined', 'refunded'])(
    'the same key again answers with the %s payment that it made, and asks nobody',
    (status) => {
      const payable = aPayable();
      const payment = aPaymentOf(payable, { status });
      const state = given({ payables: [payable], payments: [payment] });
      const { events, emit } = anOutbox();
      const { userId, idempotencyKey } = payment;
      const again = pay(toPay(payable, { userId, idempotencyKey }), state, now, emit);
      expect(again).toEqual({ payment, repeated: true });
      expect(events).toEqual([]);
      expect(untouched(state)).toBe(true);
    },
  );

  test('the same key again answers even when the order has expired or is closed since', () => {
    const payable = aPayable({ status: 'closed' });
    const payment = aPaymentOf(payable, { status: 'declined' });
    const state = given({ payables: [payable], payments: [payment] });
    const { userId, idempotencyKey } = payment;
    const again = pay(toPay(payable, { userId, idempotencyKey }), state, later(999_999), anOutbox().emit);
    expect(again).toEqual({ payment, repeated: true });
  });

  test.each<[string, (payable: Payable, other: Payable) => Parameters<typeof toPay>]>([
    ['another order', (_payable, other) => [other]],
    ['another method', (payable) => [payable, { methodToken: 'tok_declined' }]],
  ])('the same key for %s is refused', (_what, changed) => {
    const [payable, other] = [aPayable(), aPayable()];
    const payment = aPaymentOf(payable);
    const state = given({ payables: [payable, other], payments: [payment] });
    const { events, emit } = anOutbox();
    const [about, body] = changed(payable, other);
    const { userId, idempotencyKey } = payment;
    const result = pay(toPay(about, { ...body, userId, idempotencyKey }), state, now, emit);
    expect(result).toEqual({ refusal: 'idempotency-key-reused' });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('keys of different shoppers are different keys', () => {
    const [payable, other] = [aPayable(), aPayable()];
    const payment = aPaymentOf(other);
    const state = given({ payables: [payable, other], payments: [payment] });
    const result = pay(toPay(payable, { idempotencyKey: payment.idempotencyKey }), state, now, anOutbox().emit);
    expect(result).toMatchObject({ repeated: false });
  });

  test('the same key twice in one batch makes one payment', () => {
    const payable = aPayable();
    const state = given({ payables: [payable] });
    const { events, emit } = anOutbox();
    const input = toPay(payable);
    const first = pay(input, state, now, emit);
    const second = pay({ ...input, paymentId: newId() }, state, now, emit);
    expect(second).toEqual({ ...first, repeated: true });
    expect(events).toHaveLength(1);
    expect(state.newPayments.size).toBe(1);
  });

  test.each([
    ['pending', 'payment-under-way'],
    ['captured', 'already-paid'],
    ['refunded', 'order-not-payable'],
  ] as const)('a second try beside a %s payment is refused: %s', (status, refusal) => {
    const payable = aPayable();
    const state = given({ payments: [aPaymentOf(payable, { status })], payables: [payable] });
    const { events, emit } = anOutbox();
    expect(pay(toPay(payable), state, now, emit)).toEqual({ refusal });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('of two tries at once, in one batch, one is requested', () => {
    const payable = aPayable();
    const state = given({ payables: [payable] });
    const { events, emit } = anOutbox();
    expect(pay(toPay(payable), state, now, emit)).toMatchObject({ repeated: false });
    expect(pay(toPay(payable), state, now, emit)).toEqual({ refusal: 'payment-under-way' });
    expect(events).toHaveLength(1);
  });

  test('up to the last moment before the deadline, not at it', () => {
    const expiresAt = later(1);
    const due = { amountCents: 1, currency: 'EUR', expiresAt };
    const inTime = aPayable({ due });
    expect(pay(toPay(inTime), given({ payables: [inTime] }), now, anOutbox().emit)).toHaveProperty('payment');

    const late = aPayable({ due });
    const state = given({ payables: [late] });
    const { events, emit } = anOutbox();
    expect(pay(toPay(late), state, expiresAt, emit)).toEqual({ refusal: 'order-not-payable' });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test.each([
    ['known', aPayable({ status: 'closed' })],
    ['never seen', anAwaited({ status: 'closed' })],
  ])('an order that has ended is not payable: %s', (_what, payable) => {
    const state = given({ payables: [payable] });
    expect(pay(toPay(payable), state, now, anOutbox().emit)).toEqual({ refusal: 'order-not-payable' });
    expect(untouched(state)).toBe(true);
  });
});

describe('a payment that comes before its order', () => {
  const waiting = () => {
    const payable = anAwaited();
    const state = given({ payables: [payable] });
    const { events, emit } = anOutbox();
    const payment = paymentIn(pay(toPay(payable), state, now, emit));
    return { payable, state, payment, events, emit };
  };

  test('waits: nothing is requested, as no amount is known', () => {
    const { payable, payment, events } = waiting();
    expect(payment).toMatchObject({ status: 'pending', amountCents: null, currency: null });
    expect(events).toEqual([]);
    expect(payable.paymentId).toBe(payment.id);
  });

  test('goes on when the order comes', () => {
    const { payable, state, payment, events, emit } = waiting();
    expect(open(openedFor(payable), state, now, emit)).toBeUndefined();
    expect(payable).toMatchObject({ status: 'open', due: { amountCents: 4_900, currency: 'EUR' } });
    expect(payment).toMatchObject({ status: 'pending', amountCents: 4_900, currency: 'EUR' });
    expect(events).toEqual([{ type: 'payment.requested', data: requestedFor(payment) }]);
  });

  test('is requested once, however often the order comes', () => {
    const { payable, state, events, emit } = waiting();
    open(openedFor(payable), state, now, emit);
    open(openedFor(payable), state, now, emit);
    expect(events).toHaveLength(1);
  });

  test('is declined when the order comes past its deadline', () => {
    const { payable, state, payment, events, emit } = waiting();
    const opened = openedFor(payable, { expiresAt: now.toISOString() });
    expect(open(opened, state, now, emit)).toBe(payment);
    expect(payment).toMatchObject({ status: 'declined', reason: 'order-not-payable' });
    expect(payable.paymentId).toBeNull();
    expect(events.map(({ type }) => type)).toEqual(['payment.declined']);
  });

  test('is declined when the order is cancelled, before or after it came to be known', () => {
    const { payable, state, payment, events, emit } = waiting();
    expect(close({ orderId: payable.orderId }, state, emit)).toBe(payment);
    expect(payment).toMatchObject({ status: 'declined', reason: 'order-not-payable' });
    expect(payable).toMatchObject({ status: 'closed', paymentId: null });
    // The order service has never heard of the order, so there is nobody to tell.
    expect(events).toEqual([]);
    expect(open(openedFor(payable), state, now, emit)).toBeUndefined();
    expect(payable.status).toBe('closed');
    expect(events).toEqual([]);
  });

  test('is given up when the order never comes, and the order may be paid if it comes after all', () => {
    const { payable, state, payment, events, emit } = waiting();
    expect(giveUp(payment.id, state, emit)).toBe(payment);
    expect(payment).toMatchObject({ status: 'declined', reason: 'order-not-payable' });
    expect(payable).toMatchObject({ status: 'awaited', paymentId: null });
    expect(events).toEqual([]);
    open(openedFor(payable), state, now, emit);
    expect(pay(toPay(payable), state, now, emit)).toMatchObject({ repeated: false });
  });

  test('two at once: one waits', () => {
    const { payable, state, emit } = waiting();
    expect(pay(toPay(payable), state, now, emit)).toEqual({ refusal: 'payment-under-way' });
  });
});

describe('giving up', () => {
  test.each<[string, () => { payable: Payable; payment: Payment }]>([
    [
      'was requested',
      () => {
        const payable = aPayable();
        return { payable, payment: aPaymentOf(payable) };
      },
    ],
    [
      'was declined',
      () => {
        const payable = anAwaited();
        return { payable, payment: aPayment({ orderId: payable.orderId, status: 'declined', amountCents: null }) };
      },
    ],
    [
      'made room for another',
      () => {
        const payable = anAwaited({ paymentId: newId() });
        return { payable, payment: aPayment({ orderId: payable.orderId, amountCents: null }) };
      },
    ],
  ])('leaves a payment alone that %s', (_what, make) => {
    const { payable, payment } = make();
    const state = given({ payables: [payable], payments: [payment] });
    const { events, emit } = anOutbox();
    expect(giveUp(payment.id, state, emit)).toBeUndefined();
    expect(untouched(state)).toBe(true);
    expect(events).toEqual([]);
  });

  test('knows nothing of a payment that is not there', () => {
    expect(giveUp(newId(), given({}), anOutbox().emit)).toBeUndefined();
  });
});

describe('what the gateway answers', () => {
  const underWay = (status: PaymentStatus = 'pending', payableStatus: Payable['status'] = 'open') => {
    const payable = aPayable({ status: payableStatus });
    const payment = aPaymentOf(payable, { status });
    return { payable, payment, state: given({ payables: [payable], payments: [payment] }), ...anOutbox() };
  };

  test('captured', () => {
    const { payable, payment, state, events, emit } = underWay();
    expect(outcomeOf(payment, captured, state, emit)).toBe(payment);
    expect(payment.status).toBe('captured');
    expect(payable.paymentId).toBe(payment.id);
    const { id: paymentId, orderId } = payment;
    expect(events).toEqual([
      { type: 'payment.captured', data: { paymentId, orderId, amountCents: 4_900, currency: 'EUR' } },
    ]);
  });

  test('captured after the order was cancelled: told all the same, so that the order sends it back', () => {
    const { payment, state, events, emit } = underWay('pending', 'closed');
    outcomeOf(payment, captured, state, emit);
    expect(payment.status).toBe('captured');
    expect(events.map(({ type }) => type)).toEqual(['payment.captured']);
  });

  test('declined: the order is free for another try, which may succeed', () => {
    const { payable, payment, state, events, emit } = underWay();
    expect(outcomeOf(payment, declined, state, emit)).toBe(payment);
    expect(payment).toMatchObject({ status: 'declined', reason: 'card-declined' });
    const { id: paymentId, orderId } = payment;
    expect(events).toEqual([{ type: 'payment.declined', data: { paymentId, orderId, reason: 'card-declined' } }]);

    const next = paymentIn(pay(toPay(payable), state, now, emit));
    expect(payable.paymentId).toBe(next.id);
    outcomeOf(next, captured, state, emit);
    expect(next.status).toBe('captured');
  });

  test('declined after the order was cancelled: no other try', () => {
    const { payable, payment, state, emit } = underWay('pending', 'closed');
    outcomeOf(payment, declined, state, emit);
    expect(payment.status).toBe('declined');
    expect(pay(toPay(payable), state, now, emit)).toEqual({ refusal: 'order-not-payable' });
  });

  const late: [PaymentStatus, GatewayOutcome][] = [
    ['captured', captured],
    ['declined', declined],
    ['refunded', captured],
  ];
  test.each(late)('told again, a %s payment stays as it is', (status, outcome) => {
    const { payment, state, events, emit } = underWay(status);
    expect(outcomeOf(payment, outcome, state, emit)).toBeUndefined();
    expect(payment.status).toBe(status);
    expect(untouched(state)).toBe(true);
    expect(events).toEqual([]);
  });

  test('while it is not known, the payment stays pending and nothing else may be paid', () => {
    const { payable, payment, state, emit } = underWay();
    expect(pay(toPay(payable), state, later(60_000), emit)).toEqual({ refusal: 'payment-under-way' });
    expect(giveUp(payment.id, state, emit)).toBeUndefined();
    expect(payment.status).toBe('pending');
  });

  test('of a payment that nobody made is a bug', () => {
    expect(() => outcomeOf(aPayment(), captured, given({}))).toThrow(/is not known/);
  });
});

describe('order.cancelled', () => {
  test('ends an order that nobody has paid', () => {
    const payable = aPayable();
    const state = given({ payables: [payable] });
    const { events, emit } = anOutbox();
    expect(close({ orderId: payable.orderId }, state, emit)).toBeUndefined();
    expect(payable.status).toBe('closed');
    expect(events).toEqual([]);
  });

  test.each<PaymentStatus>(['pending', 'captured', 'refunded'])('leaves a %s payment to the gateway', (status) => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status });
    const state = given({ payables: [payable], payments: [payment] });
    const { events, emit } = anOutbox();
    expect(close({ orderId: payable.orderId }, state, emit)).toBeUndefined();
    expect(payment.status).toBe(status);
    expect(payable).toMatchObject({ status: 'closed', paymentId: payment.id });
    expect(events).toEqual([]);
  });

  test('twice changes nothing more', () => {
    const payable = aPayable({ status: 'closed' });
    const state = given({ payables: [payable] });
    expect(close({ orderId: payable.orderId }, state, anOutbox().emit)).toBeUndefined();
    expect(untouched(state)).toBe(true);
  });

  test('before order.opened: never payable', () => {
    const payable = anAwaited();
    const state = given({ payables: [payable] });
    const { events, emit } = anOutbox();
    close({ orderId: payable.orderId }, state, emit);
    open(openedFor(payable), state, now, emit);
    expect(pay(toPay(payable), state, now, emit)).toEqual({ refusal: 'order-not-payable' });
    expect(events).toEqual([]);
  });
});

describe('order.refund-due', () => {
  test('gives the whole amount back', () => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status: 'captured' });
    const { events, emit } = anOutbox();
    const { id: paymentId, orderId } = payment;
    const refunded = refund({ orderId, paymentId }, given({ payables: [payable], payments: [payment] }), emit);
    expect(refunded).toBe(payment);
    expect(payment.status).toBe('refunded');
    expect(events).toEqual([
      { type: 'payment.refunded', data: { paymentId, orderId, amountCents: 4_900, currency: 'EUR' } },
    ]);
  });

  test('again changes nothing', () => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status: 'refunded' });
    const { events, emit } = anOutbox();
    const state = given({ payables: [payable], payments: [payment] });
    expect(refund({ orderId: payment.orderId, paymentId: payment.id }, state, emit)).toBeUndefined();
    expect(events).toEqual([]);
  });

  test.each<PaymentStatus>(['pending', 'declined'])('for a %s payment is a bug', (status) => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status });
    const { events, emit } = anOutbox();
    const state = given({ payables: [payable], payments: [payment] });
    const { id: paymentId, orderId } = payment;
    expect(() => refund({ orderId, paymentId }, state, emit)).toThrow(/nothing to refund/);
    expect(payment.status).toBe(status);
    expect(events).toEqual([]);
  });
});

describe('pay for an order so old that what it owed may have been removed', () => {
  test.each([
    ['nothing is known of it', anAwaited(), true, 'order-not-payable'],
    ['it is young and has not come yet', anAwaited(), false, undefined],
    ['it is open', aPayable(), true, undefined],
  ])('%s', (_name, payable, isBygone, refusal) => {
    const { events, emit } = anOutbox();
    const result = pay(toPay(payable), given({ payables: [payable] }), now, emit, isBygone);
    if (refusal) expect([result, events]).toEqual([{ refusal }, []]);
    else expect(result).toMatchObject({ repeated: false });
  });
});
