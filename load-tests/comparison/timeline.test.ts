import { describe, expect, test } from '@jest/globals';
import type { UsageSample } from '../lib/usage.ts';
import { loadPerSecond, usagePerSecond } from './timeline.ts';

const line = (event: string, data: unknown) => JSON.stringify({ event, data });
const trend = (med: number, p95: number) => [1, 999, med, 0, p95];

/** As k6 2.2 writes it: a metric is announced when it first comes, and from then on has its place in the order of names. */
const record = [
  line('param', {
    aggregates: { counter: ['count', 'rate'], gauge: ['value'], trend: ['avg', 'max', 'med', 'min', 'p(95)'] },
  }),
  line('metric', { time: { type: 'gauge' } }),
  line('start', [[10_000]]),
  line('metric', { http_reqs: { type: 'counter' }, http_req_duration: { type: 'trend' } }),
  line('cumulative', [trend(7, 7), [777, 777], [11_000]]),
  line('snapshot', [trend(3, 9), [40, 40], [11_000]]),
  line('metric', { checks: { type: 'rate' }, vus: { type: 'gauge' } }),
  line('snapshot', [[1], trend(4, 8), [50, 50], [12_004], [250]]),
  line('stop', [[12_500]]),
].join('\n');

describe('what k6 saw each second', () => {
  test('is read from the snapshots of its record', () => {
    expect(loadPerSecond(record, 9_500)).toEqual({
      second: [1.5, 2.504],
      requests: [40, 50],
      med: [3, 4],
      p95: [9, 8],
    });
  });

  test('cannot be read from a record that is cut off', () => {
    expect(() => loadPerSecond(record.slice(0, -10), 0)).toThrow();
    expect(() => loadPerSecond(`${line('snapshot', [[1]])}\n`, 0)).toThrow('without a time');
  });
});

describe('what the services used each second', () => {
  const sample = (atMs: number, one: number, two: number, redis: number): UsageSample => ({
    atMs,
    trees: [
      { name: 'order-1', cpuSeconds: one, bytes: one * 10 },
      { name: 'order-2', cpuSeconds: two, bytes: two * 10 },
      { name: 'redis', cpuSeconds: redis, bytes: 7 },
    ],
  });

  test('is the difference between samples, with instances as one', () => {
    expect(usagePerSecond([sample(1_000, 5, 5, 0), sample(3_000, 6, 8, 1)], 1_000)).toEqual({
      second: [2],
      services: [
        { name: 'order', cores: [2], bytes: [140] },
        { name: 'redis', cores: [0.5], bytes: [7] },
      ],
    });
  });

  test('is nothing without samples', () => {
    expect(usagePerSecond([], 0)).toEqual({ second: [], services: [] });
  });
});
