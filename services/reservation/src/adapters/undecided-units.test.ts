import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { UndecidedUnits } from './undecided-units.ts';

const options = { patienceMs: 2_000, noWaitForMs: 10_000, maxWaiting: 3 };
const line = (productId: string, quantity = 1) => ({ productId, quantity });
const turn = () => new Promise((resolve) => setImmediate(resolve));

function someUnits() {
  let nowMs = 0;
  const units = new UndecidedUnits({ ...options, clock: () => nowMs });
  const enter = (quantity: number, left: number, sinceMs = nowMs) =>
    units.enter([line('a', quantity)], [left], sinceMs);
  const changed = () => {
    const seen = { isOver: false };
    void units.changed(nowMs).then(() => (seen.isOver = true));
    return seen;
  };
  return { units, enter, changed, pass: (ms: number) => void (nowMs += ms) };
}

test('as many units may be asked for at a time as are left', () => {
  const { enter } = someUnits();
  const leave = enter(2, 3)!;
  expect(enter(2, 3)).toBeUndefined();
  expect(enter(1, 3)).toBeDefined();
  expect(enter(1, 3)).toBeUndefined();
  leave();
  leave(); // a second time changes nothing
  expect(enter(3, 3)).toBeUndefined();
  expect(enter(2, 3)).toBeDefined();
});

test('of a cart with several products there has to be room for each; what is plentiful is not counted', () => {
  const { units } = someUnits();
  const enter = (left: number[]) => units.enter([line('a', 1), line('b', 1_000)], left, 0);
  expect(enter([1, Infinity])).toBeDefined();
  expect(enter([1, Infinity])).toBeUndefined();
  expect(enter([2, Infinity])).toBeDefined();
  expect(enter([3, 999])).toBeUndefined();
  expect(units.enter([line('b', 1_000)], [1_000], 0)).toBeDefined();
});

describe('who waits', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] }));
  afterEach(() => void jest.useRealTimers());

  test('hears when units were decided, once for all that were in a turn', async () => {
    const { units, enter, changed } = someUnits();
    const leaves = [enter(1, 2)!, enter(1, 2)!];
    const seen = [changed(), changed()];
    expect(units.waiting).toBe(2);
    for (const leave of leaves) leave();
    expect(seen.map(({ isOver }) => isOver)).toEqual([false, false]);
    await turn();
    expect(seen.map(({ isOver }) => isOver)).toEqual([true, true]);
    expect([units.waiting, jest.getTimerCount()]).toEqual([0, 0]);
  });

  test('goes on when its patience runs out, and so do those who come soon after: decisions do not come now', async () => {
    const { units, enter, changed, pass } = someUnits();
    enter(1, 1);
    const seen = changed();
    pass(2_000);
    await jest.advanceTimersByTimeAsync(2_000);
    expect([seen.isOver, units.waiting]).toEqual([true, 0]);
    expect(enter(1, 1, 0)).toBeDefined();
    pass(9_999);
    expect(enter(1, 1)).toBeDefined();
    pass(1);
    expect(enter(1, 1)).toBeUndefined();
  });

  test('is not joined by more than may wait', () => {
    const { enter, changed } = someUnits();
    enter(1, 1);
    for (let n = 0; n < 3; n += 1) {
      expect(enter(1, 1)).toBeUndefined();
      changed();
    }
    expect(enter(1, 1)).toBeDefined();
  });
});
