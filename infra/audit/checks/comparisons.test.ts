import { describe, expect, test } from '@jest/globals';
import { minRetentionMs } from '@flash-sale/shared/config.ts';
import { firstIdOf, newId } from '@flash-sale/shared/ids.ts';
import { inWords } from '../quiet.ts';
import { wrongWithBill, type BillRow, type Charge } from './bills.ts';
import { wrongWithCharge, type LedgerRow, type PaymentRow } from './ledger.ts';
import { describeUnits } from './limits.ts';
import { wrongWithOrder, type OrderRow, type ReservedRow } from './orders.ts';
import { isEqual } from './redis.ts';
import { wrongWithHold, type HoldRow, type ReservationRow } from './reservations.ts';
import { wrongWithSales } from './sold-units.ts';
import { describeOversold } from './stock.ts';

const key = 'k';

describe('a payment and its entry in the ledger', () => {
  const aPayment = (over: Partial<PaymentRow> = {}): PaymentRow => ({
    ...{ key, order_id: 'o', status: 'captured', amount_cents: 5, currency: 'EUR' },
    ...over,
  });
  const anEntry = (over: Partial<LedgerRow> = {}): LedgerRow => ({
    ...{ key, order_id: 'o', outcome: 'captured', amount_cents: 5, currency: 'EUR', refunded: false },
    ...over,
  });
  const compare = (left: PaymentRow | undefined, right: LedgerRow | undefined) => wrongWithCharge({ key, left, right });

  test.each([
    ['captured', {}, {}],
    ['refunded', { status: 'refunded' }, { refunded: true }],
    ['declined', { status: 'declined' }, { outcome: 'declined' }],
    ['pending, another check', { status: 'pending' }, {}],
  ] as const)('agree: %s', (_name, payment, entry) => {
    expect(compare(aPayment(payment), anEntry(entry))).toBeUndefined();
  });

  test('agree when the gateway was never asked', () => {
    expect(compare(aPayment({ status: 'declined', amount_cents: null }), undefined)).toBeUndefined();
  });

  test.each([
    ['refunded at one only', { status: 'refunded' }, {}],
    ['refunded at the other only', {}, { refunded: true }],
    ['declined at one only', { status: 'declined' }, {}],
    ['declined at the other only', {}, { outcome: 'declined' }],
    ['amount', {}, { amount_cents: 6 }],
    ['currency', {}, { currency: 'USD' }],
    ['order', {}, { order_id: 'p' }],
    ['a refund of what was declined', { status: 'declined' }, { outcome: 'declined', refunded: true }],
  ] as const)('differ: %s', (_name, payment, entry) => {
    expect(compare(aPayment(payment), anEntry(entry))).toContain(key);
  });

  test('differ when one is missing', () => {
    expect(compare(aPayment(), undefined)).toContain(key);
    expect(compare(aPayment({ status: 'declined' }), undefined)).toContain(key);
    expect(compare(undefined, anEntry({ outcome: 'declined' }))).toContain(key);
  });
});

describe('an order and its charges', () => {
  const anOrder = (over: Partial<BillRow> = {}): BillRow => ({
    ...{ key, status: 'confirmed', payment_id: 'p', total_cents: 5, currency: 'EUR' },
    ...over,
  });
  const aCharge = (over: Partial<Charge> = {}): Charge => ({
    ...{ id: 'p', status: 'captured', amountCents: 5, currency: 'EUR' },
    ...over,
  });
  const compare = (left: BillRow | undefined, charges: Charge[]) =>
    wrongWithBill({ key, left, right: charges.length > 0 ? { key, charges } : undefined });
  const refund = aCharge({ status: 'refunded' });

  test.each([
    ['confirmed and captured', anOrder(), [aCharge()]],
    ['confirmed, and a second payment went back', anOrder(), [aCharge(), aCharge({ id: 'q', status: 'refunded' })]],
    ['waiting, without a charge', anOrder({ status: 'awaiting-payment', payment_id: null }), []],
    ['refunded', anOrder({ status: 'refunded' }), [refund]],
    ['cancelled', anOrder({ status: 'cancelled', payment_id: null }), []],
  ])('agree: %s', (_name, order, charges) => {
    expect(compare(order, charges)).toBeUndefined();
  });

  test.each([
    ['confirmed without a charge', anOrder(), []],
    ['confirmed, the charge went back', anOrder(), [refund]],
    ['another payment was captured', anOrder(), [aCharge({ id: 'q' })]],
    ['amount', anOrder(), [aCharge({ amountCents: 6 })]],
    ['currency', anOrder(), [aCharge({ currency: 'USD' })]],
    ['cancelled and charged', anOrder({ status: 'cancelled' }), [aCharge()]],
    ['awaiting payment and charged', anOrder({ status: 'awaiting-payment' }), [aCharge()]],
    ['refunded, and charged still', anOrder({ status: 'refunded' }), [aCharge()]],
    ['refunded without a refund', anOrder({ status: 'refunded' }), []],
    ['no order', undefined, [aCharge()]],
    ['no order of a refund', undefined, [refund]],
  ])('differ: %s', (_name, order, charges) => {
    expect(compare(order, charges)).toContain(key);
  });
});

describe('a reservation and its hold', () => {
  const items = [{ productId: 'a', quantity: 2 }];
  const aReservation = (over: Partial<ReservationRow> = {}): ReservationRow => ({
    ...{ key, order_id: 'o', user_id: 'u', status: 'held', items },
    ...over,
  });
  const aHold = (over: Partial<HoldRow> = {}): HoldRow => ({
    ...{ key, order_id: 'o', user_id: 'u', state: 'held', items },
    ...over,
  });
  const compare = (left: ReservationRow | undefined, right: HoldRow | undefined) => wrongWithHold({ key, left, right });
  const statuses = ['held', 'rejected', 'released', 'completed'] as const;
  const states = ['held', 'committed', 'released'] as const;
  const match = { held: 'held', released: 'released', completed: 'committed', rejected: undefined };

  test.each(statuses.flatMap((status) => states.map((state) => ({ status, state }))))(
    '$status and $state agree only as a pair',
    ({ status, state }) => {
      const wrong = compare(aReservation({ status }), aHold({ state }));
      if (match[status] === state) expect(wrong).toBeUndefined();
      else expect(wrong).toContain(key);
    },
  );

  test.each(statuses)('%s without a hold', (status) => {
    const wrong = compare(aReservation({ status }), undefined);
    if (status === 'rejected') expect(wrong).toBeUndefined();
    else expect(wrong).toContain(key);
  });

  test('agree when a cancellation came after the refusal', () => {
    expect(compare(aReservation({ status: 'rejected' }), aHold({ state: 'released', items: [] }))).toBeUndefined();
  });

  test('agree in the same units on other lines', () => {
    const lines = [
      { productId: 'b', quantity: 1 },
      { productId: 'a', quantity: 1 },
      { productId: 'a', quantity: 1 },
    ];
    const merged = [...items, { productId: 'b', quantity: 1 }];
    expect(compare(aReservation({ items: lines }), aHold({ items: merged }))).toBeUndefined();
  });

  test.each([{ order_id: 'p' }, { user_id: 'v' }, { items: [{ productId: 'a', quantity: 3 }] }])(
    'differ: %j',
    (over) => {
      expect(compare(aReservation(), aHold(over))).toContain(key);
    },
  );

  test('differ when there is no reservation', () => expect(compare(undefined, aHold())).toContain(key));
});

describe('a reservation and its order', () => {
  const reserved = (over: Partial<ReservedRow> = {}): ReservedRow => ({
    ...{ key, id: 'r', user_id: 'u', status: 'held', total_cents: 5 },
    ...over,
  });
  const anOrder = (over: Partial<OrderRow> = {}): OrderRow => ({
    ...{ key, reservation_id: 'r', user_id: 'u', status: 'awaiting-payment', total_cents: 5 },
    ...over,
  });
  const compare = (left: ReservedRow | undefined, right: OrderRow | undefined) => wrongWithOrder({ key, left, right });
  const statuses = ['held', 'rejected', 'released', 'completed'] as const;
  const orders = ['awaiting-payment', 'confirmed', 'cancelled', 'refunded'] as const;
  const matches: Record<(typeof statuses)[number], readonly string[]> = {
    held: ['awaiting-payment'],
    rejected: [],
    released: ['cancelled', 'refunded'],
    completed: ['confirmed'],
  };

  test.each(statuses.flatMap((status) => orders.map((order) => ({ status, order }))))(
    '$status and $order agree only as a pair',
    ({ status, order }) => {
      const wrong = compare(reserved({ status }), anOrder({ status: order }));
      if (matches[status].includes(order)) expect(wrong).toBeUndefined();
      else expect(wrong).toContain('r');
    },
  );

  test.each(statuses)('%s without an order', (status) => {
    const wrong = compare(reserved({ status }), undefined);
    if (status === 'rejected') expect(wrong).toBeUndefined();
    else expect(wrong).toContain(key);
  });

  test('agree when a cancellation came after the refusal', () => {
    expect(
      compare(reserved({ status: 'rejected' }), anOrder({ status: 'cancelled', total_cents: null })),
    ).toBeUndefined();
  });

  test.each([{ reservation_id: 's' }, { user_id: 'v' }, { total_cents: 6 }])('differ: %j', (over) => {
    expect(compare(reserved(), anOrder(over))).toContain(key);
  });

  test('differ when there is no reservation', () => expect(compare(undefined, anOrder())).toContain(key));
});

describe('units', () => {
  test('sold and confirmed are equal or named', () => {
    const row = (units: number) => ({ key, units });
    expect(wrongWithSales({ key, left: row(3), right: row(3) })).toBeUndefined();
    expect(wrongWithSales({ key, left: row(3), right: row(2) })).toContain('3 units sold, 2');
    expect(wrongWithSales({ key, left: row(3), right: undefined })).toContain('3 units sold, 0');
    expect(wrongWithSales({ key, left: undefined, right: row(2) })).toContain('0 units sold, 2');
  });

  test('above the limit are told from those counted wrongly', () => {
    const row = { product_id: 'p', user_id: 'u', limit_per_user: 2, units: 3, counted: 3 };
    expect(describeUnits(row)).toMatch(/u has 3 units of product p, where 2 are allowed/);
    expect(describeUnits({ ...row, units: 2 })).toMatch(/buyer_units counts 3/);
  });

  test('oversold, or without stock', () => {
    expect(describeOversold({ id: 'p', total: 3, held: 2, sold: 2 })).toMatch(/p: 2 held and 2 sold of 3/);
    expect(describeOversold({ id: 'p', total: null, held: null, sold: null })).toMatch(/p has no stock row/);
  });

  test('in Redis are equal in level and version', () => {
    const level = { key, available: 5, version: 2 };
    expect(isEqual(level, { available: 5, version: 2 })).toBe(true);
    expect(isEqual(level, { available: 4, version: 2 })).toBe(false);
    expect(isEqual(level, { available: 5, version: 3 })).toBe(false);
    expect(isEqual(level, undefined)).toBe(false);
  });
});

test('what is under way is told without what is not', () => {
  expect(
    inWords([
      [0, 'events'],
      [2, 'payments'],
    ]),
  ).toEqual(['payments: 2']);
});

describe('of what may have been removed', () => {
  const old = firstIdOf(new Date(Date.now() - 2 * minRetentionMs));
  const young = newId();
  const hold = (state: HoldRow['state'], id: string) =>
    wrongWithHold({ key: id, left: undefined, right: { key: id, order_id: 'o', user_id: 'u', state, items: [] } });
  const reservation = (status: ReservationRow['status'], id: string) =>
    wrongWithHold({ key: id, left: { key: id, order_id: 'o', user_id: 'u', status, items: [] }, right: undefined });
  const order = (status: OrderRow['status'], id: string) =>
    wrongWithOrder({
      key: id,
      left: undefined,
      right: { key: id, reservation_id: 'r', user_id: 'u', status, total_cents: 5 },
    });
  const reserved = (status: ReservedRow['status'], id: string) =>
    wrongWithOrder({ key: id, left: { key: id, id: 'r', user_id: 'u', status, total_cents: 5 }, right: undefined });
  const bill = (status: Charge['status'], id: string) =>
    wrongWithBill({
      key: id,
      left: undefined,
      right: { key: id, charges: [{ id: 'p', status, amountCents: 5, currency: 'EUR' }] },
    });

  test('one may be gone before the other', () => {
    for (const found of [
      hold('released', old),
      reservation('released', old),
      order('cancelled', old),
      order('refunded', old),
    ])
      expect(found).toBeUndefined();
    expect([reserved('released', old), bill('refunded', old)]).toEqual([undefined, undefined]);
  });

  test('but not what is young, nor what was sold, is held or was paid', () => {
    const found = [
      ...[
        hold('released', young),
        reservation('released', young),
        order('cancelled', young),
        reserved('released', young),
      ],
      ...[bill('refunded', young), hold('held', old), hold('committed', old), reservation('held', old)],
      ...[reservation('completed', old), order('awaiting-payment', old), order('paid', old), order('confirmed', old)],
      ...[reserved('held', old), reserved('completed', old), bill('captured', old)],
    ];
    expect(found.filter((wrong) => wrong === undefined)).toEqual([]);
  });
});
