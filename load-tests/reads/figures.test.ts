import { expect, test } from '@jest/globals';
import { figuresOf, readsRatio, shareOfReads } from './figures.ts';
import { loads, type LoadName, type ReadsTurn, type Replicas } from './results.ts';

/** Ten purchases a second for ten seconds, which took the processes so many seconds of a processor. */
const aTurn = (load: LoadName, replicas: Replicas, cpu: Record<string, number>, more: Partial<ReadsTurn> = {}) => ({
  ...{ round: 1, load, replicas, ...loads[load], rate: 10, seconds: 10 },
  ...{
    purchasesPerSecond: 10,
    readsPerSecond: 0,
    read: undefined,
    wrong: 0,
    dropped: 0,
    k6CpuSeconds: 1,
    complaints: '',
  },
  usage: Object.entries(cpu).map(([name, cpuSeconds]) => ({ name, cpuSeconds, peakBytes: 0 })),
  ...more,
});

test('what a purchase costs the primary, the replica and the services', () => {
  const turns = [
    aTurn('sale alone', 1, {
      postgres: 1,
      'postgres-replica-1': 0.5,
      'order-1': 2,
      'services-1': 1,
      redis: 9,
      nginx: 9,
    }),
    aTurn('sale alone', 0, { postgres: 77 }),
  ];
  expect(figuresOf(turns, 'sale alone', 1)).toMatchObject({ primaryMs: 10, replicaMs: 5, servicesMs: 30 });
  expect(figuresOf(turns, '100 readers', 1)).toBeUndefined();
});

test('reads have the share of the primary that it takes beyond the sale alone, by the medians of the rounds', () => {
  const round = (number: number, alone: number, withReads: number) => [
    aTurn('sale alone', 0, { postgres: alone }, { round: number }),
    aTurn('20 reads a purchase', 0, { postgres: withReads }, { round: number }),
  ];
  expect(shareOfReads([...round(1, 1, 4), ...round(2, 2, 4), ...round(3, 1, 99)], 0)).toBeCloseTo(0.75);
  expect(shareOfReads([], 0)).toBeUndefined();
});

test('reads a second are compared round by round', () => {
  const round = (number: number, without: number, withOne: number) => [
    aTurn('100 readers', 0, {}, { round: number, readsPerSecond: without }),
    aTurn('100 readers', 1, {}, { round: number, readsPerSecond: withOne }),
  ];
  expect(readsRatio([...round(1, 100, 150), ...round(2, 200, 200), ...round(3, 100, 120)])).toBeCloseTo(1.2);
  expect(readsRatio([])).toBeUndefined();
});
