import type { CrowdResult, LoadResult, Trend } from '../../lib/results.ts';
import { fullPlan, type Plan } from '../plan.ts';
import type { Comparison, Run, StackResult } from '../results.ts';

/** As earlier releases measured: one stack after the other. */
export const sequentialPlan: Plan = {
  quick: false,
  stacks: ['sync', 'async'],
  levels: [250, 500],
  repeats: 3,
  warmUps: 2,
  seconds: { warmUp: 30, run: 60, yardstickWarmUp: 5, yardstick: 20 },
  race: { buyers: 2_000, stock: 100, prepareSeconds: 120 },
};
export const sequentialQuickPlan: Plan = {
  ...sequentialPlan,
  quick: true,
  repeats: 1,
  warmUps: 1,
  seconds: { warmUp: 4, run: 10, yardstickWarmUp: 1, yardstick: 4 },
};

export const aTrend = (value: number): Trend => ({
  avg: value,
  min: value,
  med: value,
  p90: value,
  p95: value,
  p99: value,
  max: value,
});

export const aLoad = (more: Partial<LoadResult> = {}): LoadResult => ({
  name: 'load',
  vus: 500,
  seconds: 60,
  requests: 6_000,
  requestsPerSecond: 100,
  journeys: 1_000,
  journeysPerSecond: 16.7,
  failed: 0,
  wrong: 0,
  all: aTrend(400),
  steps: {},
  journey: aTrend(2_400),
  usage: [{ name: 'order-1', cpuSeconds: 10, peakBytes: 90e6 }],
  k6CpuSeconds: 5,
  complaints: '',
  ...more,
});

export const aRun = (more: Partial<Run> = {}): Run => ({
  ...aLoad(),
  repeat: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  crossed: [],
  timeline: {
    load: { second: [1, 2], requests: [90, 110], med: [300, 310], p95: [400, 410] },
    usage: { second: [1, 2], services: [{ name: 'order', cores: [0.5, 1.5], bytes: [80e6, 90e6] }] },
  },
  ...more,
});

export const aCrowd = (more: Partial<CrowdResult> = {}): CrowdResult => ({
  shoppers: 500,
  letIn: 500,
  lastMs: 6_540,
  refusals: 120,
  refusedMaxMs: 812,
  triesMax: 2,
  crossed: [],
  usage: [],
  complaints: '',
  ...more,
});

export const aMachine = (more: Partial<StackResult['machine']> = {}): StackResult['machine'] => ({
  cpu: 'any',
  cores: 2,
  memoryBytes: 8e9,
  system: 'Linux',
  node: 'v24',
  k6: 'v2',
  commit: 'abc',
  ...more,
});

/** A stack with all that the plan asks for, at this rate. */
export const aStack = (stack: string, requestsPerSecond = 100): StackResult => ({
  stack,
  startedAt: '2026-01-01T00:00:00.000Z',
  machine: aMachine(),
  yardsticks: { before: aLoad({ requestsPerSecond: 1_000 }), after: aLoad({ requestsPerSecond: 1_000 }) },
  runs: sequentialPlan.levels.flatMap((vus) =>
    [1, 2, 3].map((repeat) => aRun({ vus, repeat, requestsPerSecond: requestsPerSecond + repeat })),
  ),
  race: {
    buyers: 2_000,
    stock: 100,
    sold: 100,
    soldOut: 1_900,
    other: 0,
    crossed: [],
    usage: [],
    complaints: '',
  },
  audit: { passed: true, output: 'All checks passed.' },
});

/** A whole one, with nothing to remark on. */
export const aComparison = (more: Partial<Comparison> = {}): Comparison => ({
  format: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:30:00.000Z',
  plan: sequentialPlan,
  stacks: [aStack('sync'), aStack('async', 200)],
  ...more,
});

/** Of stacks that took turns; each at its rate, in every round a little more. */
export function aPairedComparison(rates: Record<string, number>, more: Partial<Comparison> = {}): Comparison {
  const plan = fullPlan(Object.keys(rates));
  const rounds = Array.from({ length: plan.repeats }, (_, at) => at + 1);
  const stacks = Object.entries(rates).map(([stack, rate]) => ({
    ...aStack(stack),
    yardsticks: {},
    crowd: aCrowd(),
    atRest: [{ name: 'order-1', pssBytes: 50e6, rssBytes: 90e6, cores: 0.02 }],
    runs: plan.levels.flatMap((vus) =>
      rounds.map((repeat) =>
        aRun({
          vus,
          repeat,
          seconds: plan.seconds.run,
          requestsPerSecond: rate * repeat,
          beside: { cpuSeconds: 3, seconds: 15 },
        }),
      ),
    ),
  }));
  const yardsticks = rounds.map((repeat) => ({ ...aLoad({ requestsPerSecond: 1_000 * repeat }), repeat }));
  return aComparison({ plan, stacks, yardsticks, ...more });
}
