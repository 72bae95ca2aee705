import { describe, expect, test } from '@jest/globals';
import type { NewEvent } from '@flash-sale/contract/events/schemas.ts';
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
import type { HoldState, InventoryState } from './state.ts';

/** A product of which one shopper holds two of ten, with a limit of three. */
function aHeldProduct(state: HoldState = 'held') {
  const stock = aStock({ total: 10, held: 2, limitPerUser: 3 });
  const held = aHold({ state, items: [line(stock, 2)], expiresAt: now });
  const units = [{ productId: stock.product.id, userId: held.userId, units: 2 }];
  return { stock, held, state: given({ stock: [stock], holds: [held], units }) };
}
const untouched = (state: InventoryState) =>
  [state.changedStock, state.changedHolds, state.changedUnits].every(({ size }) => size === 0) &&
  state.newHolds.length === 0;

describe('commit', () => {
  test('sells what was held; what the shopper has stays counted', () => {
    const { stock, held, state } = aHeldProduct();
    expect(commit(about(held), state).events).toEqual([{ type: 'stock.committed', data: idsOf(held) }]);
    expect(levels(stock)).toEqual({ total: 10, held: 0, sold: 2 });
    expect(held.state).toBe('committed');
    expect([...state.changedHolds]).toEqual([held]);
    expect(state.unitsOf(stock.product.id, held.userId)).toBe(2);
  });

  test('a repeat after the commit changes nothing and refunds nobody', () => {
    const { held, state } = aHeldProduct('committed');
    expect(commit(about(held), state).events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('is refused when the hold is released', () => {
    const { held, state } = aHeldProduct('released');
    expect(commit(about(held), state).events).toEqual([{ type: 'stock.commit-refused', data: idsOf(held) }]);
    expect(untouched(state)).toBe(true);
  });

  test('is refused when there never was a hold', () => {
    const nobody = aHold();
    const state = given({});
    expect(commit(about(nobody), state).events).toEqual([{ type: 'stock.commit-refused', data: idsOf(nobody) }]);
    expect(untouched(state)).toBe(true);
  });
});

describe('cancel', () => {
  test('gives the units back, to the shop and to the shopper', () => {
    const { stock, held, state } = aHeldProduct();
    expect(cancel(about(held), state, at(now)).events).toEqual([
      { type: 'stock.released', data: { ...idsOf(held), reason: 'cancelled' } },
    ]);
    expect(levels(stock)).toEqual({ total: 10, held: 0, sold: 0 });
    expect([...state.changedUnits.values()]).toEqual([{ productId: stock.product.id, userId: held.userId, units: 0 }]);
  });

  test.each(['committed', 'released'] as const)('does nothing to a %s hold', (before) => {
    const { held, state } = aHeldProduct(before);
    expect(cancel(about(held), state, at(now)).events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('that overtakes its request leaves nothing for the request to do', () => {
    const stock = aStock();
    const state = given({ stock: [stock] });
    const request = aRequest([line(stock, 2)]);

    expect(cancel(about(request), state, at(now)).events).toEqual([
      { type: 'stock.released', data: { ...idsOf(request), reason: 'cancelled' } },
    ]);
    expect(state.newHolds).toMatchObject([{ ...idsOf(request), state: 'released', items: [] }]);
    expect(hold(request, state, at(now)).events).toEqual([]);
    expect(levels(stock)).toEqual({ total: 10, held: 0, sold: 0 });
    expect(cancel(about(request), state, at(now)).events).toEqual([]);
    expect(commit(about(request), state).events[0]!.type).toBe('stock.commit-refused');
  });
});

describe('expire', () => {
  test('gives the units back once the deadline is reached', () => {
    const { stock, held, state } = aHeldProduct();
    expect(expire(held, state, at(now)).events).toEqual([
      { type: 'stock.released', data: { ...idsOf(held), reason: 'expired' } },
    ]);
    expect(levels(stock)).toEqual({ total: 10, held: 0, sold: 0 });
    expect(state.unitsOf(stock.product.id, held.userId)).toBe(0);
  });

  test('not a millisecond earlier', () => {
    const { held, state } = aHeldProduct();
    expect(expire(held, state, at(later(-1))).events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test.each(['committed', 'released'] as const)('does nothing to a %s hold', (before) => {
    const { held, state } = aHeldProduct(before);
    expect(expire(held, state, at(later(ttlMs))).events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('knows nothing of a reservation that is not there', () => {
    expect(expire(aHold(), given({}), at(now)).events).toEqual([]);
  });
});

describe('commit, cancellation and expiry race: the first decides, in every order', () => {
  type Racer = 'commit' | 'cancel' | 'expire';
  const orders: [Racer, Racer, Racer][] = [
    ['commit', 'cancel', 'expire'],
    ['commit', 'expire', 'cancel'],
    ['cancel', 'commit', 'expire'],
    ['cancel', 'expire', 'commit'],
    ['expire', 'commit', 'cancel'],
    ['expire', 'cancel', 'commit'],
  ];
  test.each(orders)('%s, %s, %s', (...order) => {
    const { stock, held, state } = aHeldProduct();
    const racers: Record<Racer, () => readonly NewEvent[]> = {
      commit: () => commit(about(held), state).events,
      cancel: () => cancel(about(held), state, at(now)).events,
      expire: () => expire(held, state, at(now)).events,
    };
    const types = order.flatMap((racer) => racers[racer]().map(({ type }) => type));

    if (order[0] === 'commit') {
      expect(types).toEqual(['stock.committed']);
      expect(levels(stock)).toEqual({ total: 10, held: 0, sold: 2 });
    } else {
      expect(types).toEqual(['stock.released', 'stock.commit-refused']);
      expect(levels(stock)).toEqual({ total: 10, held: 0, sold: 0 });
    }
  });

  test('within one batch a hold may be made and settled; it is saved once, in its last state', () => {
    const stock = aStock({ limitPerUser: 2 });
    const state = given({ stock: [stock] });
    const request = aRequest([line(stock, 2)]);
    hold(request, state, at(now));
    commit(about(request), state);
    expect(state.newHolds).toMatchObject([{ state: 'committed' }]);
    expect(state.changedHolds.size).toBe(0);
    expect(levels(stock)).toEqual({ total: 10, held: 0, sold: 2 });
  });

  test('units given back within a batch can be had by the next in it', () => {
    const stock = aStock({ total: 1 });
    const state = given({ stock: [stock] });
    const first = aRequest([line(stock)]);
    const types = [
      hold(first, state, at(now)).events,
      hold(aRequest([line(stock)]), state, at(now)).events,
      cancel(about(first), state, at(now)).events,
      hold(aRequest([line(stock)]), state, at(now)).events,
    ].map(([event]) => event!.type);
    expect(types).toEqual(['stock.held', 'stock.refused', 'stock.released', 'stock.held']);
  });
});
