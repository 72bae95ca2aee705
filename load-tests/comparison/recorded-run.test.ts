import { expect, test } from '@jest/globals';
import { shareOfOthers, withoutNeighbours } from './recorded-run.ts';
import { aRun } from './testing/comparisons.ts';

test('what neither the stack nor k6 had of the machine, others had, or its host', () => {
  const machine = {
    before: { busySeconds: 100, stolenSeconds: 1 },
    after: { busySeconds: 115, stolenSeconds: 2 },
    seconds: 10,
  };
  const usage = [8, 2].map((cpuSeconds, at) => ({ name: `order-${at}`, cpuSeconds, peakBytes: 0 }));
  expect(shareOfOthers(machine, usage, 4, 2)).toBe(0.1);
  expect(shareOfOthers(machine, usage, 9, 2)).toBe(0);
  expect(shareOfOthers({ ...machine, before: undefined }, usage, 4, 2)).toBeUndefined();
});

test('the stack that stood beside a run is none of the others', () => {
  const beside = { cpuSeconds: 2, seconds: 10 };
  expect(withoutNeighbours(aRun({ othersShare: 0.15, beside }), 2).othersShare).toBeCloseTo(0.05);
  expect(withoutNeighbours(aRun({ othersShare: 0.05, beside }), 2).othersShare).toBe(0);
  expect(withoutNeighbours(aRun({ beside }), 2).othersShare).toBeUndefined();
  expect(withoutNeighbours(aRun({ othersShare: 0.15 }), 2).othersShare).toBe(0.15);
});
