import { describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { aPayable, aPayment, given } from '../testing/builders.ts';
import { payableStatuses, paymentStatuses, type PayableStatus, type PaymentStatus } from './state.ts';

function pairsOf<Status extends string>(table: Record<Status, readonly string[]>) {
  const statuses = Object.keys(table) as Status[];
  const pairs = statuses.flatMap((from) => statuses.map((to) => [from, to] as const));
  const isAllowed = ([from, to]: readonly [Status, Status]) => table[from].includes(to);
  return { allowed: pairs.filter(isAllowed), refused: pairs.filter((pair) => !isAllowed(pair)) };
}

describe('the states of a payment', () => {
  const { allowed, refused } = pairsOf<PaymentStatus>(paymentStatuses);

  test('the table says what the design says', () => {
    expect(allowed).toEqual([
      ['pending', 'captured'],
      ['pending', 'declined'],
      ['captured', 'refunded'],
    ]);
    expect(refused).toHaveLength(13);
  });

  test.each(allowed)('%s may become %s', (from, to) => {
    const payment = aPayment({ status: from });
    const state = given({ payments: [payment] });
    state.changePayment(payment, { status: to });
    expect(payment.status).toBe(to);
    expect([...state.changedPayments]).toEqual([payment]);
  });

  test.each(refused)('%s may not become %s', (from, to) => {
    const payment = aPayment({ status: from });
    const state = given({ payments: [payment] });
    expect(() => state.changePayment(payment, { status: to, reason: 'x' })).toThrow(
      `a ${from} payment cannot become ${to}`,
    );
    expect(payment).toMatchObject({ status: from, reason: null });
    expect(state.changedPayments.size).toBe(0);
  });
});

describe('the states of a payable', () => {
  const { allowed, refused } = pairsOf<PayableStatus>(payableStatuses);

  test('the table says what the design says', () => {
    expect(allowed).toEqual([
      ['awaited', 'open'],
      ['awaited', 'closed'],
      ['open', 'closed'],
    ]);
    expect(refused).toHaveLength(6);
  });

  test.each(allowed)('%s may become %s', (from, to) => {
    const payable = aPayable({ status: from });
    const state = given({ payables: [payable] });
    state.changePayable(payable, { status: to });
    expect(payable.status).toBe(to);
    expect([...state.changedPayables]).toEqual([payable]);
  });

  test.each(refused)('%s may not become %s', (from, to) => {
    const payable = aPayable({ status: from });
    const state = given({ payables: [payable] });
    expect(() => state.changePayable(payable, { status: to, paymentId: newId() })).toThrow(
      `a ${from} payable cannot become ${to}`,
    );
    expect(payable).toMatchObject({ status: from, paymentId: null });
    expect(state.changedPayables.size).toBe(0);
  });
});

test('a payment made and settled in one batch is inserted as it ends, and not updated beside that', () => {
  const payment = aPayment();
  const state = given({});
  state.addPayment(payment);
  state.changePayment(payment, { status: 'captured' });
  expect([...state.newPayments]).toMatchObject([{ status: 'captured' }]);
  expect(state.changedPayments.size).toBe(0);
});

test('a payable that was not loaded is a bug', () => {
  expect(() => given({}).payable(newId())).toThrow(/was not loaded/);
});
