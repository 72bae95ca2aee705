import { describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { aCart, aLine, anOutbox, given, toReserve, untouched } from '../testing/builders.ts';
import { apply, leftCountsForMs, reserve } from './reservation.ts';
import type { Bounds, Standing } from './state.ts';

const bounds: Bounds = { openMax: 2, leftMax: 2 };
const at = (minutes: number) => new Date(Date.UTC(2030, 5, 1, 12, minutes));
const left = (...minutes: number[]) => minutes.map((m) => ({ orderId: newId(), expiredAt: at(m) }));

/** Carts of one shopper, who stands so. */
function aShopper(standing: Partial<Standing> = {}, carts = 1) {
  const userId = newId();
  const theirs = Array.from({ length: carts }, () => aCart({ userId, items: [aLine()] }));
  const state = given({ carts: theirs, standings: [{ userId, open: 0, left: [], ...standing }] });
  return { carts: theirs, state, ...anOutbox() };
}

describe('open reservations', () => {
  test('are as many as allowed, also within one batch', () => {
    const { carts, state, emit, events } = aShopper({ open: 1 }, 3);
    const results = carts.map((cart) => reserve(toReserve(cart), state, emit, bounds));
    expect(results).toMatchObject([{ repeated: false }, { refusal: 'too-many-open' }, { refusal: 'too-many-open' }]);
    expect(events).toHaveLength(1);
    expect(carts[1]!.reservationId).toBeNull();
  });

  test('of others do not count, and a repeat is answered as ever', () => {
    const { carts, state, emit } = aShopper({ open: 1 }, 2);
    const input = toReserve(carts[0]!);
    expect(reserve(input, state, emit, bounds)).toMatchObject({ repeated: false });
    expect(reserve(input, state, emit, bounds)).toMatchObject({ repeated: true });
  });

  test('have no bound at 0', () => {
    const { carts, state, emit } = aShopper({ open: 1_000 });
    expect(reserve(toReserve(carts[0]!), state, emit, { openMax: 0, leftMax: 0 })).toMatchObject({ repeated: false });
  });
});

describe('holds left to expire', () => {
  test('bar the next, until so many are an hour ago that one more fits', () => {
    const { carts, state, emit } = aShopper({ left: left(30, 20, 10) });
    const result = reserve(toReserve(carts[0]!), state, emit, bounds);
    expect(result).toMatchObject({ refusal: 'too-many-left', retryAt: new Date(at(20).getTime() + leftCountsForMs) });
    expect(untouched(state)).toBe(true);
  });

  test('do not count when their payment was tried', () => {
    const expired = left(30, 20, 10);
    const { carts, state, emit } = aShopper({ left: expired });
    const triedOrders = [expired[0]!.orderId, expired[2]!.orderId];
    expect(
      reserve({ ...toReserve(carts[0]!), triedOrders: triedOrders.slice(0, 1) }, state, emit, bounds),
    ).toMatchObject({
      refusal: 'too-many-left',
    });
    expect(reserve({ ...toReserve(carts[0]!), triedOrders }, state, emit, bounds)).toMatchObject({ repeated: false });
  });
});

describe('the key of a reservation that was removed', () => {
  const used = (reason: 'sold-out' | 'expired') => {
    const cart = aCart({ items: [aLine()] });
    const input = toReserve(cart);
    const { userId, idempotencyKey } = input;
    return {
      cart,
      input,
      ...anOutbox(),
      state: given({ carts: [cart], usedKeys: [{ userId, idempotencyKey, cartId: cart.id, reason }] }),
    };
  };

  test.each(['sold-out', 'expired'] as const)('buys nothing again, and says why: %s', (reason) => {
    const { input, state, emit, events } = used(reason);
    expect(reserve(input, state, emit)).toEqual({ refusal: 'removed', reason });
    expect([untouched(state), events]).toEqual([true, []]);
  });

  test('is no key for another cart', () => {
    const { input, state, emit } = used('expired');
    const result = reserve({ ...input, cartId: newId() }, state, emit);
    expect(result).toEqual({ refusal: 'idempotency-key-reused' });
  });
});

test.each(['stock.held', 'stock.refused', 'stock.released', 'stock.committed'] as const)(
  '%s of a reservation that may be removed changes nothing; of one that nobody made it is a bug',
  (type) => {
    const state = given({});
    expect(apply(anEvent(type), state, true)).toBeUndefined();
    expect(untouched(state)).toBe(true);
    expect(() => apply(anEvent(type), state, false)).toThrow(/nobody made/);
  },
);
