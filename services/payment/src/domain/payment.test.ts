import { describe, expect, test } from '@jest/globals';
import type { EventData } from '@flash-sale/contract/events/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { anOutbox } from '@flash-sale/shared/testing/outbox.ts';
import {
  anAwaited,
  at,
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
type PayAnswer = { payment: Payment; repeated: boolean } | { refusal: string };
const idsOf = ({ id: paymentId, orderId }: Payment) => ({ paymentId, orderId });
const paymentIn = (result: PayAnswer): Payment => {
  if ('refusal' in result) throw new Error(`refused: ${result.refusal}`);
  return result.payment;
};
/** The only payment that has been requested of the gateway, or is about to be, per order. */
const outcomeOf = (payment: Payment, outcome: GatewayOutcome, state: PaymentState, tell = anOutbox().tell) =>
  tell(settle({ requested: requestedFor(payment), outcome }, state));

describe('pay', () => {
  test('requests the amount due from the gateway', () => {
    const payable = aPayable();
    const state = given({ payables: [payable] });
    const { events, tell } = anOutbox();
    const input = toPay(payable);

    const payment = paymentIn(tell(pay(input, state, at(now))));

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
      const { events, tell } = anOutbox();
      const { userId, idempotencyKey } = payment;
      const again = tell(pay(toPay(payable, { userId, idempotencyKey }), state, at(now)));
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
    const again = anOutbox().tell(pay(toPay(payable, { userId, idempotencyKey }), state, at(later(999_999))));
    expect(again).toEqual({ payment, repeated: true });
  });

  test.each<[string, (payable: Payable, other: Payable) => Parameters<typeof toPay>]>([
    ['another order', (_payable, other) => [other]],
    ['another method', (payable) => [payable, { methodToken: 'tok_declined' }]],
  ])('the same key for %s is refused', (_what, changed) => {
    const [payable, other] = [aPayable(), aPayable()];
    const payment = aPaymentOf(payable);
    const state = given({ payables: [payable, other], payments: [payment] });
    const { events, tell } = anOutbox();
    const [about, body] = changed(payable, other);
    const { userId, idempotencyKey } = payment;
    const result = tell(pay(toPay(about, { ...body, userId, idempotencyKey }), state, at(now)));
    expect(result).toEqual({ refusal: 'idempotency-key-reused' });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('keys of different shoppers are different keys', () => {
    const [payable, other] = [aPayable(), aPayable()];
    const payment = aPaymentOf(other);
    const state = given({ payables: [payable, other], payments: [payment] });
    const result = anOutbox().tell(pay(toPay(payable, { idempotencyKey: payment.idempotencyKey }), state, at(now)));
    expect(result).toMatchObject({ repeated: false });
  });

  test('the same key twice in one batch makes one payment', () => {
    const payable = aPayable();
    const state = given({ payables: [payable] });
    const { events, tell } = anOutbox();
    const input = toPay(payable);
    const first = tell(pay(input, state, at(now)));
    const second = tell(pay({ ...input, paymentId: newId() }, state, at(now)));
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
    const { events, tell } = anOutbox();
    expect(tell(pay(toPay(payable), state, at(now)))).toEqual({ refusal });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('of two tries at once, in one batch, one is requested', () => {
    const payable = aPayable();
    const state = given({ payables: [payable] });
    const { events, tell } = anOutbox();
    expect(tell(pay(toPay(payable), state, at(now)))).toMatchObject({ repeated: false });
    expect(tell(pay(toPay(payable), state, at(now)))).toEqual({ refusal: 'payment-under-way' });
    expect(events).toHaveLength(1);
  });

  test('up to the last moment before the deadline, not at it', () => {
    const expiresAt = later(1);
    const due = { amountCents: 1, currency: 'EUR', expiresAt };
    const inTime = aPayable({ due });
    expect(anOutbox().tell(pay(toPay(inTime), given({ payables: [inTime] }), at(now)))).toHaveProperty('payment');

    const late = aPayable({ due });
    const state = given({ payables: [late] });
    const { events, tell } = anOutbox();
    expect(tell(pay(toPay(late), state, at(expiresAt)))).toEqual({ refusal: 'order-not-payable' });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test.each([
    ['known', aPayable({ status: 'closed' })],
    ['never seen', anAwaited({ status: 'closed' })],
  ])('an order that has ended is not payable: %s', (_what, payable) => {
    const state = given({ payables: [payable] });
    expect(anOutbox().tell(pay(toPay(payable), state, at(now)))).toEqual({ refusal: 'order-not-payable' });
    expect(untouched(state)).toBe(true);
  });
});

describe('a payment that comes before its order', () => {
  const waiting = () => {
    const payable = anAwaited();
    const state = given({ payables: [payable] });
    const { events, tell } = anOutbox();
    const payment = paymentIn(tell(pay(toPay(payable), state, at(now))));
    return { payable, state, payment, events, tell };
  };

  test('waits: nothing is requested, as no amount is known', () => {
    const { payable, payment, events } = waiting();
    expect(payment).toMatchObject({ status: 'pending', amountCents: null, currency: null });
    expect(events).toEqual([]);
    expect(payable.paymentId).toBe(payment.id);
  });

  test('goes on when the order comes', () => {
    const { payable, state, payment, events, tell } = waiting();
    tell(open(openedFor(payable), state, at(now)));
    expect(state.statusChanged.size).toBe(0);
    expect(payable).toMatchObject({ status: 'open', due: { amountCents: 4_900, currency: 'EUR' } });
    expect(payment).toMatchObject({ status: 'pending', amountCents: 4_900, currency: 'EUR' });
    expect(events).toEqual([{ type: 'payment.requested', data: requestedFor(payment) }]);
  });

  test('is requested once, however often the order comes', () => {
    const { payable, state, events, tell } = waiting();
    tell(open(openedFor(payable), state, at(now)));
    tell(open(openedFor(payable), state, at(now)));
    expect(events).toHaveLength(1);
  });

  test('is declined when the order comes past its deadline', () => {
    const { payable, state, payment, events, tell } = waiting();
    const opened = openedFor(payable, { expiresAt: now.toISOString() });
    tell(open(opened, state, at(now)));
    expect([...state.statusChanged]).toEqual([payment]);
    expect(payment).toMatchObject({ status: 'declined', reason: 'order-not-payable' });
    expect(payable.paymentId).toBeNull();
    expect(events.map(({ type }) => type)).toEqual(['payment.declined']);
  });

  test('is declined when the order is cancelled, before or after it came to be known', () => {
    const { payable, state, payment, events, tell } = waiting();
    tell(close({ orderId: payable.orderId }, state));
    expect([...state.statusChanged]).toEqual([payment]);
    expect(payment).toMatchObject({ status: 'declined', reason: 'order-not-payable' });
    expect(payable).toMatchObject({ status: 'closed', paymentId: null });
    // The order service has never heard of the order, so there is nobody to tell.
    expect(events).toEqual([]);
    tell(open(openedFor(payable), state, at(now)));
    expect([...state.statusChanged]).toEqual([payment]);
    expect(payable.status).toBe('closed');
    expect(events).toEqual([]);
  });

  test('is given up when the order never comes, and the order may be paid if it comes after all', () => {
    const { payable, state, payment, events, tell } = waiting();
    tell(giveUp(idsOf(payment), state));
    expect([...state.statusChanged]).toEqual([payment]);
    expect(payment).toMatchObject({ status: 'declined', reason: 'order-not-payable' });
    expect(payable).toMatchObject({ status: 'awaited', paymentId: null });
    expect(events).toEqual([]);
    tell(open(openedFor(payable), state, at(now)));
    expect(tell(pay(toPay(payable), state, at(now)))).toMatchObject({ repeated: false });
  });

  test('two at once: one waits', () => {
    const { payable, state, tell } = waiting();
    expect(tell(pay(toPay(payable), state, at(now)))).toEqual({ refusal: 'payment-under-way' });
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
    const { events, tell } = anOutbox();
    tell(giveUp(idsOf(payment), state));
    expect(state.statusChanged.size).toBe(0);
    expect(untouched(state)).toBe(true);
    expect(events).toEqual([]);
  });

  test('knows nothing of a payment that is not there', () => {
    const state = given({});
    expect(giveUp(idsOf(aPayment()), state)).toEqual({ events: [] });
    expect(untouched(state)).toBe(true);
  });
});

describe('what the gateway answers', () => {
  const underWay = (status: PaymentStatus = 'pending', payableStatus: Payable['status'] = 'open') => {
    const payable = aPayable({ status: payableStatus });
    const payment = aPaymentOf(payable, { status });
    return { payable, payment, state: given({ payables: [payable], payments: [payment] }), ...anOutbox() };
  };

  test('captured', () => {
    const { payable, payment, state, events, tell } = underWay();
    outcomeOf(payment, captured, state, tell);
    expect([...state.statusChanged]).toEqual([payment]);
    expect(payment.status).toBe('captured');
    expect(payable.paymentId).toBe(payment.id);
    const { id: paymentId, orderId } = payment;
    expect(events).toEqual([
      { type: 'payment.captured', data: { paymentId, orderId, amountCents: 4_900, currency: 'EUR' } },
    ]);
  });

  test('captured after the order was cancelled: told all the same, so that the order sends it back', () => {
    const { payment, state, events, tell } = underWay('pending', 'closed');
    outcomeOf(payment, captured, state, tell);
    expect(payment.status).toBe('captured');
    expect(events.map(({ type }) => type)).toEqual(['payment.captured']);
  });

  test('declined: the order is free for another try, which may succeed', () => {
    const { payable, payment, state, events, tell } = underWay();
    outcomeOf(payment, declined, state, tell);
    expect([...state.statusChanged]).toEqual([payment]);
    expect(payment).toMatchObject({ status: 'declined', reason: 'card-declined' });
    const { id: paymentId, orderId } = payment;
    expect(events).toEqual([{ type: 'payment.declined', data: { paymentId, orderId, reason: 'card-declined' } }]);

    const next = paymentIn(tell(pay(toPay(payable), state, at(now))));
    expect(payable.paymentId).toBe(next.id);
    outcomeOf(next, captured, state, tell);
    expect(next.status).toBe('captured');
  });

  test('declined after the order was cancelled: no other try', () => {
    const { payable, payment, state, tell } = underWay('pending', 'closed');
    outcomeOf(payment, declined, state, tell);
    expect(payment.status).toBe('declined');
    expect(tell(pay(toPay(payable), state, at(now)))).toEqual({ refusal: 'order-not-payable' });
  });

  const late: [PaymentStatus, GatewayOutcome][] = [
    ['captured', captured],
    ['declined', declined],
    ['refunded', captured],
  ];
  test.each(late)('told again, a %s payment stays as it is', (status, outcome) => {
    const { payment, state, events, tell } = underWay(status);
    outcomeOf(payment, outcome, state, tell);
    expect(state.statusChanged.size).toBe(0);
    expect(payment.status).toBe(status);
    expect(untouched(state)).toBe(true);
    expect(events).toEqual([]);
  });

  test('while it is not known, the payment stays pending and nothing else may be paid', () => {
    const { payable, payment, state, tell } = underWay();
    expect(tell(pay(toPay(payable), state, at(later(60_000))))).toEqual({ refusal: 'payment-under-way' });
    tell(giveUp(idsOf(payment), state));
    expect(state.statusChanged.size).toBe(0);
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
    const { events, tell } = anOutbox();
    tell(close({ orderId: payable.orderId }, state));
    expect(state.statusChanged.size).toBe(0);
    expect(payable.status).toBe('closed');
    expect(events).toEqual([]);
  });

  test.each<PaymentStatus>(['pending', 'captured', 'refunded'])('leaves a %s payment to the gateway', (status) => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status });
    const state = given({ payables: [payable], payments: [payment] });
    const { events, tell } = anOutbox();
    tell(close({ orderId: payable.orderId }, state));
    expect(state.statusChanged.size).toBe(0);
    expect(payment.status).toBe(status);
    expect(payable).toMatchObject({ status: 'closed', paymentId: payment.id });
    expect(events).toEqual([]);
  });

  test('twice changes nothing more', () => {
    const payable = aPayable({ status: 'closed' });
    const state = given({ payables: [payable] });
    anOutbox().tell(close({ orderId: payable.orderId }, state));
    expect(state.statusChanged.size).toBe(0);
    expect(untouched(state)).toBe(true);
  });

  test('before order.opened: never payable', () => {
    const payable = anAwaited();
    const state = given({ payables: [payable] });
    const { events, tell } = anOutbox();
    tell(close({ orderId: payable.orderId }, state));
    tell(open(openedFor(payable), state, at(now)));
    expect(tell(pay(toPay(payable), state, at(now)))).toEqual({ refusal: 'order-not-payable' });
    expect(events).toEqual([]);
  });
});

describe('order.refund-due', () => {
  test('gives the whole amount back', () => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status: 'captured' });
    const { events, tell } = anOutbox();
    const { id: paymentId, orderId } = payment;
    const state = given({ payables: [payable], payments: [payment] });
    tell(refund({ orderId, paymentId }, state));
    expect([...state.statusChanged]).toEqual([payment]);
    expect(payment.status).toBe('refunded');
    expect(events).toEqual([
      { type: 'payment.refunded', data: { paymentId, orderId, amountCents: 4_900, currency: 'EUR' } },
    ]);
  });

  test('again changes nothing', () => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status: 'refunded' });
    const { events, tell } = anOutbox();
    const state = given({ payables: [payable], payments: [payment] });
    tell(refund({ orderId: payment.orderId, paymentId: payment.id }, state));
    expect(state.statusChanged.size).toBe(0);
    expect(events).toEqual([]);
  });

  test.each<PaymentStatus>(['pending', 'declined'])('for a %s payment is a bug', (status) => {
    const payable = aPayable();
    const payment = aPaymentOf(payable, { status });
    const { events, tell } = anOutbox();
    const state = given({ payables: [payable], payments: [payment] });
    const { id: paymentId, orderId } = payment;
    expect(() => tell(refund({ orderId, paymentId }, state))).toThrow(/nothing to refund/);
    expect(payment.status).toBe(status);
    expect(events).toEqual([]);
  });
});

describe('pay for an order so old that what it owed may have been removed', () => {
  test.each([
    ['nothing is known of it', anAwaited(), true, 'order-not-payable'],
    ['it is young and has not come yet', anAwaited(), false, undefined],
    ['it is open', aPayable(), true, undefined],
  ])('%s', (_name, payable, isForgotten, refusal) => {
    const { events, tell } = anOutbox();
    const result = tell(
      pay(toPay(payable), given({ payables: [payable] }), at(now, { isForgotten: () => isForgotten })),
    );
    if (refusal) expect([result, events]).toEqual([{ refusal }, []]);
    else expect(result).toMatchObject({ repeated: false });
  });
});
