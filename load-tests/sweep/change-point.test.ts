import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { elasticities, findChangePoint } from './change-point.ts';

const levels = [10, 50, 100, 250, 500, 1_000];
const points = (throughputs: number[]) => throughputs.map((throughput, at) => ({ vus: levels[at] ?? 0, throughput }));

describe('the level at which throughput bends', () => {
  test('is found where growth in proportion ends, whatever the noise of some percent', () => {
    const noise = fc.array(fc.double({ min: -0.03, max: 0.03, noNaN: true }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(50, 100, 250), noise, (bend, errors) => {
        const measured = levels.map((vus, at) => Math.min(vus, bend) * 10 * (1 + (errors[at] ?? 0)));
        expect(findChangePoint(points(measured))).toMatchObject({ vus: bend });
      }),
    );
  });

  test('has its growth before and after, and is there too when throughput falls again', () => {
    const found = findChangePoint(points([100, 500, 1_000, 900, 700, 600]));
    expect(found).toMatchObject({ vus: 100 });
    expect((found as { before: number }).before).toBeCloseTo(1, 1);
    expect((found as { after: number }).after).toBeLessThan(0);
  });

  test('is none while throughput grows in proportion', () => {
    expect(findChangePoint(points(levels.map((vus) => vus * 3)))).toBeUndefined();
  });

  test('is none where growth only begins', () => {
    expect(findChangePoint(points([100, 100, 100, 250, 500, 1_000]))).toBeUndefined();
  });

  test('is the start where nothing has ever grown', () => {
    expect(findChangePoint(points([800, 810, 790, 800, 805, 700]))).toBe('flat from the start');
  });

  test('is not looked for in three levels, nor in levels on which nothing got done', () => {
    expect(findChangePoint(points([10, 50, 50]))).toBeUndefined();
    expect(findChangePoint(points([10, 50, 50, 0, 0, 0]))).toBeUndefined();
  });
});

test('elasticity is 1 for growth in proportion and 0 for none', () => {
  expect(elasticities(points([10, 50, 50]))).toEqual([1, 0]);
});
