import { expect, test } from '@jest/globals';
import { LocalAllowance } from './limits.ts';

test('a key has so many in a window, whatever others take, and as many again in the next', () => {
  const allowance = new LocalAllowance(3);
  const taken = (key: string, times: number, nowMs: number) =>
    Array.from({ length: times }, () => allowance.take(key, nowMs)).filter(Boolean).length;
  expect(taken('a', 5, 1_000)).toBe(3);
  expect(taken('b', 2, 60_999)).toBe(2);
  expect(taken('a', 1, 60_999)).toBe(0);
  expect(taken('a', 5, 61_000)).toBe(3);
});

test('so many keys are counted and no more: those beyond have nothing here', () => {
  const allowance = new LocalAllowance(1);
  const known = Array.from({ length: 100_000 }, (_, n) => allowance.take(`${n}`, 0));
  expect(known.every(Boolean)).toBe(true);
  expect(allowance.take('one more', 0)).toBe(false);
  expect(allowance.take('one more', 60_000)).toBe(true);
});
