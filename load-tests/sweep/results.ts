import { join } from 'node:path';
import { z } from 'zod';
import { readKept } from '../lib/kept.ts';
import { audit, count, machine, trend } from '../lib/results.ts';
import { endpoints } from '../objectives.ts';

const endpointFigures = z.object({
  requests: count,
  /** Answers that were not what was asked for; and of these, requests that k6 saw fail: no answer, 4xx or 5xx. */
  wrong: count,
  failed: count,
  /** In ms, of the answers that were as expected: a fast refusal must not make an endpoint look fast. */
  trend: trend.optional(),
});

/** The worst that one instance said of itself during a level; what it did not say is absent. */
const serviceFigures = z.object({
  name: z.string(),
  /** Looks at it that it left without an answer: what it was like then nobody knows. */
  unanswered: count.optional(),
  eventLoopDelayMs: count.optional(),
  laneWaiting: count.optional(),
  poolWaiting: count.optional(),
  queueDepth: count.optional(),
  outboxDepth: count.optional(),
});

const resources = z.object({
  /** Processors, on average over the middle of the run: of everything on the machine, and of what runs elsewhere on its host. */
  busyCores: count.optional(),
  stolenCores: count.optional(),
  k6Cores: count.optional(),
  processes: z.array(z.object({ name: z.string(), cores: count, peakBytes: count })),
  services: z.array(serviceFigures),
});

const level = z.object({
  vus: count,
  /** Of load, and how much of it was measured. */
  seconds: count,
  measuredSeconds: z.number().positive(),
  requests: count,
  requestsPerSecond: count,
  journeys: count,
  all: trend.optional(),
  endpoints: z.record(z.enum(endpoints), endpointFigures),
  resources,
  complaints: z.string(),
});

const sweepResult = z.object({
  startedAt: z.string(),
  /** Absent while it is under way, and for ever if it was killed. */
  finishedAt: z.string().optional(),
  /** Why it ended early. */
  brokenOff: z.string().optional(),
  stack: z.string(),
  url: z.string(),
  quick: z.boolean(),
  machine,
  plannedVus: z.array(count),
  levels: z.array(level),
  /** Levels that could not be measured, and why. */
  failures: z.array(z.object({ vus: count, reason: z.string() })),
  audit,
});

export type SweepResult = z.output<typeof sweepResult>;
export type Level = z.output<typeof level>;
export type Resources = z.output<typeof resources>;
export type ServiceFigures = z.output<typeof serviceFigures>;
/** What a service tells of itself. */
export type Figure = Exclude<keyof ServiceFigures, 'name' | 'unanswered'>;

export const fileName = 'sweep.json';

/** @throws UnreadableResult */
export const readResult = (folder: string): Promise<SweepResult> =>
  readKept(join(folder, fileName), sweepResult, 'a sweep');

/** Right answers per second: a shop that fails fast must not look as if it got more done. */
export function rightPerSecond({ endpoints, requests, requestsPerSecond }: Level): number {
  const wrong = Object.values(endpoints).reduce((sum, one) => sum + one.wrong, 0);
  return requestsPerSecond * (1 - wrong / requests);
}

/** Planned levels without figures: they failed, or the sweep never came to them. */
export function missingLevels({ plannedVus, levels }: Pick<SweepResult, 'plannedVus' | 'levels'>): number[] {
  return plannedVus.filter((vus) => !levels.some((level) => level.vus === vus));
}
