import { fullPlan, type ComparedStack } from '../plan.ts';
import type { Comparison, Load, Run, StackResult, Trend } from '../results.ts';

export const aTrend = (value: number): Trend => ({
  avg: value,
  min: value,
  med: value,
  p90: value,
  p95: value,
  p99: value,
  max: value,
});

export const aLoad = (more: Partial<Load> = {}): Load => ({
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
export const aStack = (stack: ComparedStack, requestsPerSecond = 100): StackResult => ({
  stack,
  startedAt: '2026-01-01T00:00:00.000Z',
  machine: aMachine(),
  yardsticks: { before: aLoad({ requestsPerSecond: 1_000 }), after: aLoad({ requestsPerSecond: 1_000 }) },
  runs: fullPlan.levels.flatMap((vus) =>
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
  plan: fullPlan,
  stacks: [aStack('sync'), aStack('async', 200)],
  ...more,
});
