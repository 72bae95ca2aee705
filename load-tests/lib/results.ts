import { z } from 'zod';

/* What all measurements are made of, as it is kept in their files. */

export const count = z.number().nonnegative();

/** In milliseconds. */
export const trend = z.object({
  avg: count,
  min: count,
  med: count,
  p90: count,
  p95: count,
  p99: count,
  max: count,
});

/** Of one process with all that it has started. */
export const usage = z.object({ name: z.string(), cpuSeconds: count, peakBytes: count });

/** What one k6 run under constant load has shown. */
export const load = z.object({
  name: z.string(),
  vus: count,
  seconds: count,
  requests: count,
  requestsPerSecond: count,
  journeys: count,
  journeysPerSecond: count,
  /** Requests that failed, and answers that were not what was asked for. */
  failed: count,
  wrong: count,
  /** All requests, each step by its name, and whole journeys. */
  all: trend.optional(),
  steps: z.record(z.string(), trend),
  journey: trend.optional(),
  /** Of the processes of the stack; empty if they are unknown. */
  usage: z.array(usage),
  k6CpuSeconds: count,
  complaints: z.string(),
});

export const race = z.object({
  buyers: count,
  stock: count,
  sold: count,
  soldOut: count,
  other: count,
  soldTrend: trend.optional(),
  soldOutTrend: trend.optional(),
  /** Thresholds of the script that did not hold. */
  crossed: z.array(z.string()),
  usage: z.array(usage),
  /** Of the processes of the stack, from the start of the race until k6 has ended: without what the shoppers did before. */
  cpuSeconds: count.optional(),
  complaints: z.string(),
});

/** Everybody who logs in at once, and nobody's password is remembered. */
export const crowd = z.object({
  shoppers: count,
  letIn: count,
  /** From the start until the last one was in. */
  lastMs: count,
  refusals: count,
  /** The longest that anybody waited for a refusal; none without one. */
  refusedMaxMs: count.optional(),
  /** Tries of whoever needed most. */
  triesMax: count,
  /** Thresholds of the script that did not hold. */
  crossed: z.array(z.string()),
  usage: z.array(usage),
  complaints: z.string(),
});

/** A text says why there was none. */
export const audit = z.union([z.object({ passed: z.boolean(), output: z.string() }), z.string()]);

/** What a figure depends on. */
export const machine = z.object({
  cpu: z.string(),
  cores: count,
  memoryBytes: count,
  system: z.string(),
  node: z.string(),
  k6: z.string(),
  commit: z.string(),
});

/** A process with nobody to serve: its memory, and its processor time as a share of one core. */
export const atRest = z.object({ name: z.string(), pssBytes: count, rssBytes: count, cores: count.optional() });

export type Trend = z.infer<typeof trend>;
export type LoadResult = z.infer<typeof load>;
export type RaceResult = z.infer<typeof race>;
export type CrowdResult = z.infer<typeof crowd>;
export type Audit = z.infer<typeof audit>;
export type Machine = z.infer<typeof machine>;
export type AtRest = z.infer<typeof atRest>;

/** As many have bought as there were units, and everybody else has heard so. */
export function isExact({ buyers, stock, sold, soldOut, other, crossed }: RaceResult): boolean {
  const winners = Math.min(stock, buyers);
  return sold === winners && soldOut === buyers - winners && other === 0 && crossed.length === 0;
}

/** Of several runs the one in the middle by throughput; of two, the slower. */
export function medianRun<Run extends { requestsPerSecond: number }>(runs: Run[]): Run | undefined {
  const sorted = runs.toSorted((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
