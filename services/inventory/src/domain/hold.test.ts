import { describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import {
  about,
  aHold,
  aRequest,
  aStock,
  at,
  given,
  idsOf,
  later,
  levels,
  line,
  now,
  ttlMs,
} from '../testing/builders.ts';
import { hold } from './hold.ts';
import { cancel, commit, expire } from './settle-hold.ts';

const refused = (request: ReturnType<typeof aRequest>, reason: string) => [
  { type: 'stock.refused', data: { ...idsOf(request), reason } },
];

describe('hold: enough units', () => {
  test('holds them and tells name, price and deadline', () => {
    const stock = aStock({ name: 'Ridge tent', priceCents: 12_345, currency: 'CHF', total: 5, sold: 1 });
    const state = given({ stock: [stock] });
    const request = aRequest([line(stock, 3)]);

    expect(hold(request, state, at(now)).events).toEqual([
      {
        type: 'stock.held',
        data: {
          ...idsOf(request),
          items: [{ productId: stock.product.id, name: 'Ridge tent', quantity: 3, unitPriceCents: 12_345 }],
          totalCents: 37_035,
          currency: 'CHF',
          expiresAt: later(ttlMs).toISOString(),
        },
      },
    ]);
    expect(levels(stock)).toEqual({ total: 5, held: 3, sold: 1 });
    expect([...state.changedStock]).toEqual([stock]);
    expect(state.newHolds).toEqual([
      { ...idsOf(request), state: 'held', items: [line(stock, 3)], expiresAt: later(ttlMs) },
    ]);
    expect(state.changedHolds.size).toBe(0);
  });

  test('the very last unit can be had, and only once', () => {
    const stock = aStock({ total: 3, held: 1, sold: 1 });
    const state = given({ stock: [stock] });
    const [first, second] = [aRequest([line(stock)]), aRequest([line(stock)])];

    expect(hold(first, state, at(now)).events[0]!.type).toBe('stock.held');
    expect(hold(second, state, at(now)).events).toEqual(refused(second, 'sold-out'));
    expect(levels(stock)).toEqual({ total: 3, held: 2, sold: 1 });
  });

  test('several products are added up', () => {
    const [tent, lamp] = [aStock({ priceCents: 1_000 }), aStock({ priceCents: 25 })];
    const [event] = hold(aRequest([line(tent, 2), line(lamp, 3)]), given({ stock: [tent, lamp] }), at(now)).events;
    expect(event).toMatchObject({ type: 'stock.held', data: { totalCents: 2_075 } });
    expect([tent.held, lamp.held]).toEqual([2, 3]);
  });

  test('units of a product without a limit are not counted', () => {
    const stock = aStock({ limitPerUser: null });
    const state = given({ stock: [stock] });
    hold(aRequest([line(stock, 4)]), state, at(now));
    expect(state.changedUnits.size).toBe(0);
  });
});

describe('hold: refusals change nothing', () => {
  const refusals: [
    string,
    string,
    () => { stocks: ReturnType<typeof aStock>[]; items: { productId: string; quantity: number }[] },
  ][] = [
    ['sold-out', 'nothing left', () => of(aStock({ total: 2, held: 1, sold: 1 }), 1)],
    ['sold-out', 'fewer left than asked for', () => of(aStock({ total: 5, held: 3 }), 3)],
    ['sold-out', 'a product that never had units', () => of(aStock({ total: 0 }), 1)],
    ['limit-exceeded', 'more than one shopper may have', () => of(aStock({ limitPerUser: 2 }), 3)],
    ['sale-closed', 'the sale starts a millisecond from now', () => of(aStock({ saleStartsAt: later(1) }), 1)],
    ['sale-closed', 'the sale ends right now', () => of(aStock({ saleEndsAt: now }), 1)],
    ['product-not-found', 'unknown product', () => ({ stocks: [], items: [{ productId: newId(), quantity: 1 }] })],
    [
      'mixed-currencies',
      'euro and franc in one cart',
      () => {
        const stocks = [aStock({ currency: 'EUR' }), aStock({ currency: 'CHF' })];
        return { stocks, items: stocks.map((stock) => line(stock)) };
      },
    ],
  ];
  const of = (stock: ReturnType<typeof aStock>, quantity: number) => ({
    stocks: [stock],
    items: [line(stock, quantity)],
  });

  test.each(refusals)('%s: %s', (reason, _why, build) => {
    const { stocks, items } = build();
    const before = stocks.map(levels);
    const state = given({ stock: stocks });
    const request = aRequest(items);

    expect(hold(request, state, at(now)).events).toEqual(refused(request, reason));
    expect(stocks.map(levels)).toEqual(before);
    expect([state.changedStock.size, state.newHolds.length, state.changedUnits.size]).toEqual([0, 0, 0]);
  });

  test('a sale is open from its first millisecond to its last', () => {
    const stock = aStock({ saleStartsAt: now, saleEndsAt: later(1) });
    expect(hold(aRequest([line(stock)]), given({ stock: [stock] }), at(now)).events[0]!.type).toBe('stock.held');
  });

  test('all or nothing: what the first lines could have had stays free when a later one fails', () => {
    const [plenty, none] = [aStock({ limitPerUser: 5 }), aStock({ total: 0 })];
    const state = given({ stock: [plenty, none] });
    const request = aRequest([line(plenty, 2), line(none)]);

    expect(hold(request, state, at(now)).events).toEqual(refused(request, 'sold-out'));
    expect(plenty.held).toBe(0);
    expect(state.unitsOf(plenty.product.id, request.userId)).toBe(0);
    expect([state.changedStock.size, state.newHolds.length, state.changedUnits.size]).toEqual([0, 0, 0]);
  });
});

describe('hold: two lines of one product are one demand', () => {
  test('that each would fit alone does not let both through', () => {
    const stock = aStock({ total: 5 });
    const request = aRequest([line(stock, 3), line(stock, 3)]);
    expect(hold(request, given({ stock: [stock] }), at(now)).events).toEqual(refused(request, 'sold-out'));
    expect(stock.held).toBe(0);
  });

  test('neither do they get around the limit', () => {
    const stock = aStock({ limitPerUser: 3 });
    const request = aRequest([line(stock, 2), line(stock, 2)]);
    expect(hold(request, given({ stock: [stock] }), at(now)).events).toEqual(refused(request, 'limit-exceeded'));
  });

  test('they are held as one line', () => {
    const [twice, once] = [aStock({ total: 5, priceCents: 10 }), aStock({ priceCents: 1 })];
    const state = given({ stock: [twice, once] });
    const [event] = hold(aRequest([line(twice, 2), line(once), line(twice, 3)]), state, at(now)).events;
    expect(event).toMatchObject({ data: { items: [{ quantity: 5 }, { quantity: 1 }], totalCents: 51 } });
    expect(twice.held).toBe(5);
    expect(state.newHolds[0]!.items).toEqual([line(twice, 5), line(once, 1)]);
  });
});

describe('hold: the limit of one shopper', () => {
  test('what the shopper has had before counts', () => {
    const stock = aStock({ limitPerUser: 3 });
    const userId = newId();
    const state = given({ stock: [stock], units: [{ productId: stock.product.id, userId, units: 2 }] });
    const tooMany = aRequest([line(stock, 2)], { userId });

    expect(hold(tooMany, state, at(now)).events).toEqual(refused(tooMany, 'limit-exceeded'));
    expect(hold(aRequest([line(stock, 1)], { userId }), state, at(now)).events[0]!.type).toBe('stock.held');
    expect([...state.changedUnits.values()]).toEqual([{ productId: stock.product.id, userId, units: 3 }]);
  });

  test('requests of one batch count towards each other, those of another shopper do not', () => {
    const stock = aStock({ limitPerUser: 1 });
    const state = given({ stock: [stock] });
    const userId = newId();
    const types = [userId, userId, newId()].map(
      (who) => hold(aRequest([line(stock)], { userId: who }), state, at(now)).events[0]!.type,
    );
    expect(types).toEqual(['stock.held', 'stock.refused', 'stock.held']);
  });
});

describe('hold: a reservation that is known already', () => {
  test.each(['held', 'committed', 'released'] as const)('a %s one is left alone', (known) => {
    const stock = aStock({ held: 1 });
    const before = aHold({ state: known, items: [line(stock)] });
    const state = given({ stock: [stock], holds: [before] });
    expect(hold(aRequest([line(stock)], before), state, at(now)).events).toEqual([]);
    expect(stock.held).toBe(1);
    expect([state.changedStock.size, state.newHolds.length, state.changedHolds.size]).toEqual([0, 0, 0]);
  });
});

describe('hold: units unpaid', () => {
  const unpaid = { units: 10, percent: 1 };
  const asks = (userId: string, stock: ReturnType<typeof aStock>, quantity: number) =>
    aRequest([line(stock, quantity)], { userId });

  test.each([
    [100, 10],
    [1_000, 10],
    [5_000, 50],
    [5_099, 50],
  ])('of %i in all a shopper may hold %i, others as many', (total, most) => {
    const stock = aStock({ total });
    const state = given({ stock: [stock] });
    const [one, other] = [newId(), newId()];
    expect(hold(asks(one, stock, most), state, at(now, { unpaid })).events[0]!.type).toBe('stock.held');
    const more = asks(one, stock, 1);
    expect(hold(more, state, at(now, { unpaid })).events).toEqual(refused(more, 'limit-exceeded'));
    expect(hold(asks(other, stock, most), state, at(now, { unpaid })).events[0]!.type).toBe('stock.held');
  });

  test('count from what is loaded, and free again when they are paid, cancelled or expired', () => {
    const [userId, stock] = [newId(), aStock({ total: 100, held: 9 })];
    const theirs = aHold({ userId, items: [line(stock, 9)], expiresAt: later(-1) });
    for (const end of [
      (state: ReturnType<typeof given>) => commit(about(theirs), state).events,
      (state: ReturnType<typeof given>) => cancel(about(theirs), state, at(now)).events,
      (state: ReturnType<typeof given>) => expire(theirs, state, at(now)).events,
    ]) {
      const units = [{ productId: stock.product.id, userId, units: 9 }];
      const state = given({ stock: [{ ...stock }], holds: [{ ...theirs }], unpaid: units });
      const two = asks(userId, stock, 2);
      expect(hold(two, state, at(now, { unpaid })).events).toEqual(refused(two, 'limit-exceeded'));
      expect(end(state)).toHaveLength(1);
      expect(hold(asks(userId, stock, 10), state, at(now, { unpaid })).events[0]!.type).toBe('stock.held');
    }
  });

  test('have no bound at 0', () => {
    const stock = aStock({ total: 100 });
    const bounds = { units: 0, percent: 1 };
    expect(
      hold(asks(newId(), stock, 100), given({ stock: [stock] }), at(now, { unpaid: bounds })).events[0]!.type,
    ).toBe('stock.held');
  });
});

test('a request so old that it may have been handled and forgotten is refused, unless its hold is there', () => {
  const stock = aStock({ total: 5 });
  const request = aRequest([line(stock)]);
  const state = given({ stock: [stock] });
  expect(hold(request, state, at(now, { isForgotten: () => true })).events).toEqual(refused(request, 'cancelled'));
  expect([state.newHolds, levels(stock).held]).toEqual([[], 0]);
  for (const known of [aHold(idsOf(request)), aHold({ ...idsOf(request), state: 'committed' })])
    expect(
      hold(request, given({ stock: [stock], holds: [known] }), at(now, { isForgotten: () => true })).events,
    ).toEqual([]);
});
