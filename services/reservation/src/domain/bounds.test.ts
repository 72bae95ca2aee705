import { describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { anOutbox } from '@flash-sale/shared/testing/outbox.ts';
import { aCart, aLine, at, given, toReserve, untouched } from '../testing/builders.ts';
import { minPercent, leftCountsForMs, percentOf, type Bounds, type LeftHold, type Standing } from './bounds.ts';
import { applyStockEvent, reserve } from './reservation.ts';

const bounds: Bounds = { openMax: 2, leftMax: 2 };
const minute = (minutes: number) => new Date(Date.UTC(2030, 5, 1, 12, minutes));
/** A hold of a hundred seconds that ended unpaid: `seconds` after it was reserved, or at its deadline. */
const aLeftHold = (minutes: number, seconds?: number): LeftHold => {
  const reservedAt = new Date(minute(minutes).getTime() - 100_000);
  const cancelledAt = seconds === undefined ? null : new Date(reservedAt.getTime() + seconds * 1_000);
  return { orderId: newId(), reservedAt, cancelledAt, expiresAt: minute(minutes) };
};
const left = (...minutes: number[]) => minutes.map((m) => aLeftHold(m));

/** Carts of one shopper, who stands so. */
function aShopper(standing: Partial<Standing> = {}, carts = 1) {
  const userId = newId();
  const theirs = Array.from({ length: carts }, () => aCart({ userId, items: [aLine()] }));
  const state = given({ carts: theirs, standings: [{ userId, open: 0, left: [], ...standing }] });
  return { carts: theirs, state, ...anOutbox() };
}

describe('open reservations', () => {
  test('are as many as allowed, also within one batch', () => {
    const { carts, state, tell, events } = aShopper({ open: 1 }, 3);
    const results = carts.map((cart) => tell(reserve(toReserve(cart), state, at({ bounds }))));
    expect(results).toMatchObject([{ repeated: false }, { refusal: 'too-many-open' }, { refusal: 'too-many-open' }]);
    expect(events).toHaveLength(1);
    expect(carts[1]!.reservationId).toBeNull();
  });

  test('of others do not count, and a repeat is answered as ever', () => {
    const { carts, state, tell } = aShopper({ open: 1 }, 2);
    const input = toReserve(carts[0]!);
    expect(tell(reserve(input, state, at({ bounds })))).toMatchObject({ repeated: false });
    expect(tell(reserve(input, state, at({ bounds })))).toMatchObject({ repeated: true });
  });

  test('have no bound at 0', () => {
    const { carts, state, tell } = aShopper({ open: 1_000 });
    expect(tell(reserve(toReserve(carts[0]!), state, at({ bounds: { openMax: 0, leftMax: 0 } })))).toMatchObject({
      repeated: false,
    });
  });
});

describe('holds given back unpaid', () => {
  const attempt = (given: LeftHold[], triedOrders: string[] = [], within: Bounds = bounds) => {
    const { carts, state, tell } = aShopper({ left: given });
    return { result: tell(reserve({ ...toReserve(carts[0]!), triedOrders }, state, at({ bounds: within }))), state };
  };
  const passed = { repeated: false };

  test('bar the next, until so many are an hour ago that one more fits', () => {
    const { result, state } = attempt(left(30, 20, 10));
    expect(result).toMatchObject({
      refusal: 'too-many-left',
      retryAt: new Date(minute(20).getTime() + leftCountsForMs),
    });
    expect(untouched(state)).toBe(true);
  });

  test.each<[string, number | undefined, boolean, number]>([
    ['left to expire', undefined, false, 100],
    ['cancelled in the last second', 99, false, 99],
    ['cancelled half way', 50, false, 50],
    ['cancelled a moment later than half way', 50.001, false, 51],
    ['cancelled at once', 0, false, minPercent],
    ['cancelled at once, its payment tried', 0, true, minPercent],
    ['cancelled before it was reserved, by a clock that went back', -5, false, minPercent],
    ['cancelled after its deadline', 300, false, 100],
    ['cancelled after its deadline, its payment tried', 300, true, 50],
    ['left to expire, its payment tried', undefined, true, 50],
    ['cancelled in the last second, its payment tried', 99, true, 50],
    ['cancelled half way, its payment tried', 50, true, 25],
  ])('%s it counts by the time it lasted', (_how, seconds, tried, percent) => {
    expect(percentOf(aLeftHold(30, seconds), tried)).toBe(percent);
  });

  test('one without a time of its own counts whole when it expired, and least when it was cancelled', () => {
    const noTime = { ...aLeftHold(30), reservedAt: minute(30) };
    expect(percentOf(noTime, false)).toBe(100);
    expect(percentOf({ ...noTime, cancelledAt: minute(30) }, false)).toBe(minPercent);
  });

  test('just in time are as if they had expired', () => {
    const lastSecond = [30, 20, 10].map((minutes) => aLeftHold(minutes, 99));
    expect(attempt(lastSecond).result).toMatchObject({
      refusal: 'too-many-left',
      retryAt: new Date(minute(10).getTime() + leftCountsForMs),
    });
    expect(attempt(lastSecond.slice(1)).result).toMatchObject(passed);
  });

  test('by who changes his mind soon leave room for many more', () => {
    const soon = Array.from({ length: 20 }, (_, index) => aLeftHold(30 - index, 5));
    expect(attempt(soon.slice(1)).result).toMatchObject(passed);
    expect(attempt(soon).result).toMatchObject({ refusal: 'too-many-left' });
  });

  test('count half when their payment was tried: that is no free pass', () => {
    const expired = left(40, 30, 20, 10);
    const orders = expired.map(({ orderId }) => orderId);
    expect(attempt(expired.slice(1), orders).result).toMatchObject(passed);
    expect(attempt(expired.slice(1), orders.slice(1, 2)).result).toMatchObject({ refusal: 'too-many-left' });
    expect(attempt(expired, orders).result).toMatchObject({ refusal: 'too-many-left', orderIds: orders });
  });

  test('have no bound at 0', () => {
    expect(attempt(left(30, 20, 10), [], { openMax: 0, leftMax: 0 }).result).toMatchObject(passed);
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
    const { input, state, tell, events } = used(reason);
    expect(tell(reserve(input, state, at()))).toEqual({ refusal: 'removed', reason });
    expect([untouched(state), events]).toEqual([true, []]);
  });

  test('is no key for another cart', () => {
    const { input, state, tell } = used('expired');
    const result = tell(reserve({ ...input, cartId: newId() }, state, at()));
    expect(result).toEqual({ refusal: 'idempotency-key-reused' });
  });
});

test.each(['stock.held', 'stock.refused', 'stock.released', 'stock.committed'] as const)(
  '%s of a reservation that may be removed changes nothing; of one that nobody made it is a bug',
  (type) => {
    const state = given({});
    expect(applyStockEvent(anEvent(type), state, at({ isForgotten: () => true }))).toEqual({ events: [] });
    expect(untouched(state)).toBe(true);
    expect(() => applyStockEvent(anEvent(type), state, at({ isForgotten: () => false }))).toThrow(/nobody made/);
  },
);
