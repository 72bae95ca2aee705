import { endpoints } from '../../objectives.ts';
import type { Level, SweepResult } from '../results.ts';

type Figures = Level['endpoints'][keyof Level['endpoints']];

export const aTrend = (ms: number) => ({ avg: ms, min: ms, med: ms, p90: ms, p95: ms, p99: ms, max: ms });

/** A level on which every endpoint answered a thousand times as asked, within so many ms. */
export function aLevel(vus: number, ms: number, more: Partial<Level> = {}): Level {
  const figures: Figures = { requests: 1_000, wrong: 0, failed: 0, trend: aTrend(ms) };
  return {
    vus,
    seconds: 40,
    measuredSeconds: 30,
    requests: 10_000,
    requestsPerSecond: 333,
    journeys: 1_000,
    all: aTrend(ms),
    endpoints: Object.fromEntries(endpoints.map((name) => [name, { ...figures }])) as Level['endpoints'],
    resources: { processes: [], services: [] },
    complaints: '',
    ...more,
  };
}

export function aResult(levels: Level[], more: Partial<SweepResult> = {}): SweepResult {
  return {
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:05:00.000Z',
    stack: 'sync',
    url: 'http://127.0.0.1:8080',
    quick: false,
    machine: { cpu: 'any', cores: 2, memoryBytes: 8e9, system: 'Linux', node: 'v24', k6: 'v2', commit: 'abc' },
    plannedVus: levels.map(({ vus }) => vus),
    levels,
    failures: [],
    audit: { passed: true, output: 'All checks passed' },
    ...more,
  };
}
