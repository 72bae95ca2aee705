import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { intervalOf, medianOf, spreadOf } from './statistics.ts';

describe('the spread of paired ratios', () => {
  test('five of them, in whatever order', () => {
    expect(spreadOf([1.02, 0.9, 1.1, 0.98, 1])).toEqual({
      median: 1,
      min: 0.9,
      max: 1.1,
      lowerQuartile: 0.98,
      upperQuartile: 1.02,
      between: [0.9, 1.1],
      confidence: 1 - 2 / 32,
      pairs: 5,
    });
  });

  test('an even number has its median between the two in the middle', () => {
    expect(medianOf([4, 1, 2, 3])).toBe(2.5);
    expect(spreadOf([4, 1, 2, 3])).toMatchObject({ lowerQuartile: 1.75, upperQuartile: 3.25 });
  });

  test('nothing has none, and one tells nothing of others', () => {
    expect(spreadOf([])).toBeUndefined();
    expect(medianOf([])).toBeUndefined();
    expect(spreadOf([0.9])).toMatchObject({ median: 0.9, between: [0.9, 0.9], confidence: 0 });
  });

  // Tables of the sign test, as in Conover, Practical Nonparametric Statistics.
  test.each([
    [5, 0, 0.9375],
    [6, 0, 0.96875],
    [8, 0, 0.9921875],
    [9, 1, 0.9609375],
    [12, 2, 0.9614],
    [20, 5, 0.9586],
  ])('of %i, %i may be left out at either end', (n, skipped, confidence) => {
    const found = intervalOf(n);
    expect(found.skipped).toBe(skipped);
    expect(found.confidence).toBeCloseTo(confidence, 4);
  });

  test('everything lies where its name says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 40 }),
        (ratios) => {
          const { min, lowerQuartile, median, upperQuartile, max, between } = spreadOf(ratios)!;
          const inOrder = [min, lowerQuartile, median, upperQuartile, max];
          expect(inOrder.toSorted((a, b) => a - b)).toEqual(inOrder);
          expect(min <= between[0] && between[0] <= median && median <= between[1] && between[1] <= max).toBe(true);
        },
      ),
    );
  });
});
