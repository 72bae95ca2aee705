import { expect, test } from '@jest/globals';
import { shareOfOthers } from './recorded-run.ts';

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
