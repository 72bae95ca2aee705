import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  fitLaw,
  peakThroughput,
  peakVus,
  relativeError,
  throughputAt,
  vusAtShareOfPeak,
  type Law,
  type Point,
} from './scalability.ts';

const levels = [10, 50, 100, 250, 500, 1_000];
const someLaw = fc.record({
  lambda: fc.double({ min: 1, max: 1_000, noNaN: true }),
  sigma: fc.double({ min: 0.001, max: 0.2, noNaN: true }),
  kappa: fc.double({ min: 1e-6, max: 1e-4, noNaN: true }),
});
const noiseOf = (share: number) =>
  fc.array(fc.double({ min: -share, max: share, noNaN: true }), { minLength: 6, maxLength: 6 });

function measured(law: Law, noise: number[] = []): Point[] {
  return levels.map((vus, at) => ({ vus, throughput: throughputAt(law, vus) * (1 + (noise[at] ?? 0)) }));
}
function fitted(points: Point[]): Law {
  const law = fitLaw(points);
  if (!law) throw new Error('no law was found');
  return law;
}
const isWithin = (share: number, found: number, real: number) => Math.abs(found / real - 1) <= share;

describe('the universal scalability law', () => {
  test('is what Gunther wrote down', () => {
    const law = { lambda: 100, sigma: 0.1, kappa: 0.01 };
    expect(throughputAt(law, 1)).toBe(100);
    expect(throughputAt(law, 10)).toBeCloseTo(1_000 / (1 + 0.9 + 0.9), 10);
    expect(peakVus(law)).toBeCloseTo(Math.sqrt(90), 10);
  });

  test('is found again from exact figures', () => {
    fc.assert(
      fc.property(someLaw, (law) => {
        const found = fitted(measured(law));
        expect(isWithin(1e-6, found.lambda, law.lambda)).toBe(true);
        expect(isWithin(1e-6, found.sigma, law.sigma)).toBe(true);
        expect(isWithin(1e-6, found.kappa, law.kappa)).toBe(true);
      }),
    );
  });

  test('is found again from figures that are up to 1 % off', () => {
    // Each of the three has to show within the levels: λ at the lowest, κ at the highest, σ between them.
    const clear = someLaw.filter(({ sigma, kappa }) => sigma > 0.02 && sigma < 0.1 && kappa * 1_000 > sigma / 2);
    fc.assert(
      fc.property(clear, noiseOf(0.01), (law, noise) => {
        const found = fitted(measured(law, noise));
        expect(isWithin(0.15, found.lambda, law.lambda)).toBe(true);
        expect(isWithin(0.2, found.sigma, law.sigma)).toBe(true);
        expect(isWithin(0.2, found.kappa, law.kappa)).toBe(true);
        expect(isWithin(0.1, peakVus(found), peakVus(law))).toBe(true);
      }),
    );
  });

  test('errs by no more than the noise, whatever the law', () => {
    fc.assert(
      fc.property(someLaw, noiseOf(0.1), (law, noise) => {
        const points = measured(law, noise);
        expect(relativeError(points, fitted(points))).toBeLessThanOrEqual(relativeError(points, law) + 1e-9);
      }),
    );
  });

  test('never has parameters without a meaning, whatever was measured', () => {
    const anything = fc.array(fc.double({ min: 0.01, max: 1e5, noNaN: true }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(anything, (throughputs) => {
        const law = fitted(levels.map((vus, at) => ({ vus, throughput: throughputs[at] ?? 1 })));
        expect(law.lambda).toBeGreaterThan(0);
        expect(law.sigma).toBeGreaterThanOrEqual(0);
        expect(law.sigma).toBeLessThanOrEqual(1 + 1e-9);
        expect(law.kappa).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('without contention and coherency grows for ever', () => {
    const law = fitted(levels.map((vus) => ({ vus, throughput: 7 * vus })));
    expect(law.lambda).toBeCloseTo(7, 9);
    expect(throughputAt(law, 1_000)).toBeCloseTo(7_000, 6);
    expect(peakThroughput({ lambda: 7, sigma: 0, kappa: 0 })).toBe(Infinity);
    expect(vusAtShareOfPeak({ lambda: 7, sigma: 0, kappa: 0 }, 0.95)).toBe(Infinity);
  });

  test('with contention alone has a ceiling and no peak', () => {
    const law = { lambda: 100, sigma: 0.05, kappa: 0 };
    expect(peakVus(law)).toBe(Infinity);
    expect(peakThroughput(law)).toBe(2_000);
  });

  test('reaches the share of its peak where it says so, and not before', () => {
    fc.assert(
      fc.property(someLaw, fc.constantFrom(0, 1), (any, coherent) => {
        const law = { ...any, kappa: any.kappa * coherent };
        const vus = vusAtShareOfPeak(law, 0.95);
        expect(vus).toBeLessThanOrEqual(peakVus(law));
        expect(isWithin(1e-6, throughputAt(law, vus), 0.95 * peakThroughput(law))).toBe(true);
      }),
    );
  });

  test('is not fitted to two points, nor to levels on which nothing got done', () => {
    expect(fitLaw([])).toBeUndefined();
    const nothing = { vus: 100, throughput: 0 };
    expect(fitLaw([{ vus: 1, throughput: 5 }, { vus: 10, throughput: 30 }, nothing])).toBeUndefined();
  });
});
