import type { Turn } from '../results.ts';

const trend = (ms: number) => ({ avg: ms, min: ms, med: ms, p90: ms, p95: ms, p99: ms, max: ms });

/** A turn of so many journeys a second, in which everything went well. */
export function aTurn(
  given: Pick<Turn, 'pair' | 'side' | 'beside'> & { vus?: number; rate?: number; load?: Partial<Turn['load']> },
): Turn {
  const { pair, side, vus = 500, rate = 100, load, beside } = given;
  return {
    pair,
    side,
    vus,
    settledSeconds: 0.5,
    ...(beside ? { beside } : {}),
    load: {
      name: 'turn',
      vus,
      seconds: 10,
      requests: 60 * rate,
      requestsPerSecond: 6 * rate,
      journeys: 10 * rate,
      journeysPerSecond: rate,
      failed: 0,
      wrong: 0,
      all: trend(100),
      steps: { reserve: trend(100) },
      journey: trend(1_000),
      usage: [
        { name: 'postgres', cpuSeconds: 2, peakBytes: 0 },
        { name: 'order-1', cpuSeconds: 3, peakBytes: 0 },
        { name: 'everything-2', cpuSeconds: 5, peakBytes: 0 },
      ],
      k6CpuSeconds: 1,
      complaints: '',
      ...load,
    },
  };
}

/** A pair of turns for each two rates: of this tree, and of that one. */
export function turnsInPairs(rates: [ours: number, theirs: number][], vus = 500): Turn[] {
  return rates.flatMap(([ours, theirs], at) => [
    aTurn({ pair: at + 1, side: 'this', rate: ours, vus }),
    aTurn({ pair: at + 1, side: 'that', rate: theirs, vus }),
  ]);
}
