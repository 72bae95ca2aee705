import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { percentile } from './percentile.ts';

const bounds = [1, 2, 5, 10];

const countsOf = (values: number[]) =>
  [...bounds, Infinity].map(
    (bound, index) => values.filter((value) => value <= bound && value > (bounds[index - 1] ?? -1)).length,
  );

describe('a percentile from buckets', () => {
  test('lies in the bucket evenly', () => {
    expect(percentile(bounds, [0, 0, 10, 0, 0], 0.5, 5)).toBe(3.5);
    expect(percentile(bounds, [5, 5, 0, 0, 0], 0.5, 2)).toBe(1);
  });

  test('is 0 when nothing has happened', () => {
    expect(percentile(bounds, [0, 0, 0, 0, 0], 0.99, 0)).toBe(0);
  });

  test('is never above the largest value, not even beyond the last bound', () => {
    expect(percentile(bounds, [0, 0, 0, 0, 4], 1, 17)).toBe(17);
    expect(percentile(bounds, [1, 0, 0, 0, 0], 0.99, 0.2)).toBeLessThanOrEqual(0.2);
  });

  test('lies in the same bucket as the true one', () => {
    const someValues = fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(someValues, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const sorted = values.toSorted((a, b) => a - b);
        const rank = share * values.length;
        const exact = sorted[Math.max(1, Math.ceil(rank)) - 1]!;
        const found = percentile(bounds, countsOf(values), share, sorted.at(-1)!);
        const index = bounds.findIndex((bound) => exact <= bound);
        const [from, to] = index < 0 ? [10, Infinity] : [bounds[index - 1] ?? 0, bounds[index]!];
        expect(found).toBeGreaterThanOrEqual(from);
        expect(found).toBeLessThanOrEqual(to);
      }),
    );
  });
});
