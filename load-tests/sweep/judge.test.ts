import { describe, expect, test } from '@jest/globals';
import { endpoints, objectives } from '../objectives.ts';
import { complianceOf, degradationPercent, ranking } from './judge.ts';
import type { Level } from './results.ts';
import { aLevel, aTrend } from './testing/level.ts';

type Figures = Partial<Level['endpoints']['pay']>;
const withPay = (figures: Figures): Level => {
  const level = aLevel(10, 50);
  Object.assign(level.endpoints.pay, figures);
  return level;
};
const verdictOfPay = (figures: Figures) =>
  complianceOf(withPay(figures), objectives).find(({ endpoint }) => endpoint === 'pay');

describe('the objectives', () => {
  test('can be met: no limit contradicts another', () => {
    for (const endpoint of endpoints) {
      const { p95Ms, p99Ms, maxErrorRate, minAvailability } = objectives[endpoint];
      expect(p95Ms).toBeGreaterThan(0);
      expect(p99Ms).toBeGreaterThanOrEqual(p95Ms);
      expect(maxErrorRate).toBeGreaterThanOrEqual(0);
      expect(minAvailability).toBeLessThanOrEqual(1);
    }
  });
});

describe('compliance', () => {
  test('is met when all is within its limits', () => {
    expect(complianceOf(aLevel(10, 50), objectives).map(({ verdict }) => verdict)).toEqual(endpoints.map(() => 'met'));
  });

  test.each([
    ['a p95', { trend: { ...aTrend(50), p95: objectives.pay.p95Ms + 1 } }],
    ['a p99', { trend: { ...aTrend(50), p99: objectives.pay.p99Ms + 1 } }],
    ['a single wrong answer', { wrong: 1 }],
    ['a single failed request', { failed: 1 }],
  ])('is missed by %s, with the reason', (_, figures) => {
    expect(verdictOfPay(figures)).toMatchObject({
      verdict: 'missed',
      reasons: [expect.stringMatching(/promised|allowed/)],
    });
  });

  test('is missed, not unknown, where everything failed', () => {
    expect(verdictOfPay({ wrong: 1_000, failed: 1_000, trend: undefined })?.verdict).toBe('missed');
  });

  test.each([
    ['no request', { requests: 0, trend: undefined }],
    ['few answers', { requests: 19 }],
  ])('is not measured by %s', (_, figures) => {
    expect(verdictOfPay(figures)?.verdict).toBe('not measured');
  });
});

test('degradation is in percent of the lowest level, and none without it', () => {
  expect(degradationPercent(aLevel(50, 150), aLevel(10, 50), 'pay')).toBeCloseTo(200, 9);
  expect(degradationPercent(aLevel(50, 150), undefined, 'pay')).toBeUndefined();
  expect(degradationPercent(aLevel(50, 150), withPay({ trend: undefined }), 'pay')).toBeUndefined();
});

test('endpoints are ranked by the share of their own objective; one without figures is not', () => {
  const level = withPay({ trend: aTrend(objectives.pay.p95Ms * 3) });
  Object.assign(level.endpoints.reserve, { trend: undefined });
  const ranks = ranking(level, objectives);
  expect(ranks).toHaveLength(endpoints.length - 1);
  expect(ranks.at(-1)).toMatchObject({ endpoint: 'pay', share: 3 });
});
