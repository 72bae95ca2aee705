import { expect, test } from '@jest/globals';
import { chartsOf, ratesOverTime } from './charts.ts';
import { aComparison, aRun } from './testing/comparisons.ts';

test('a second that came late is divided by its real length, and a fragment counts with the next', () => {
  const load = { second: [1, 2.5, 2.55, 3.5], requests: [100, 300, 20, 80], med: [1, 1, 1, 1], p95: [2, 2, 2, 2] };
  expect(ratesOverTime(aRun({ timeline: { ...aRun().timeline, load } }))).toEqual([
    [1, 100],
    [2.5, 200],
    [3.5, 100],
  ]);
});

test('the axis of shoppers names the levels, and nothing beyond them', () => {
  const svg = chartsOf(aComparison()).find(({ id }) => id === 'throughput')?.svg ?? '';
  const words = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, word]) => word);
  expect(words).toEqual(expect.arrayContaining(['0', '250', '500', 'shoppers at once']));
  expect(words).not.toContain('750');
});
