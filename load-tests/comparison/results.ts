import { z } from 'zod';
import { comparedStacks, type ComparedStack } from './plan.ts';

export const count = z.number().nonnegative();
const perSecond = z.array(z.number());

export const trend = z.object({
  avg: count,
  min: count,
  med: count,
  p90: count,
  p95: count,
  p99: count,
  max: count,
});

const usage = z.array(z.object({ name: z.string(), cpuSeconds: count, peakBytes: count }));

const load = z.object({
  name: z.string(),
  vus: count,
  seconds: count,
  requests: count,
  requestsPerSecond: count,
  journeys: count,
  journeysPerSecond: count,
  failed: count,
  wrong: count,
  all: trend.optional(),
  steps: z.record(z.string(), trend),
  journey: trend.optional(),
  usage,
  k6CpuSeconds: count,
  complaints: z.string(),
});

const run = load.extend({
  repeat: count,
  startedAt: z.string(),
  /** Thresholds of the script that did not hold. */
  crossed: z.array(z.string()),
  /** Of the machine, what neither the stack nor k6 had. */
  othersShare: count.optional(),
  /** How long after the last answer nothing was under way any more. */
  settledSeconds: count.optional(),
  timeline: z.object({
    load: z.object({ second: perSecond, requests: perSecond, med: perSecond, p95: perSecond }),
    usage: z.object({
      second: perSecond,
      services: z.array(z.object({ name: z.string(), cores: perSecond, bytes: perSecond })),
    }),
  }),
});

export const machine = z.object({
  cpu: z.string(),
  cores: count,
  memoryBytes: count,
  system: z.string(),
  node: z.string(),
  k6: z.string(),
  commit: z.string(),
});

const stackName = z.enum(comparedStacks);

const stackResult = z.object({
  stack: stackName,
  startedAt: z.string(),
  /** Described anew for each stack: figures may be brought together from two places. */
  machine,
  yardsticks: z.object({ before: load.optional(), after: load.optional() }),
  runs: z.array(run),
  race: z
    .object({
      buyers: count,
      stock: count,
      sold: count,
      soldOut: count,
      other: count,
      soldTrend: trend.optional(),
      soldOutTrend: trend.optional(),
      crossed: z.array(z.string()),
      usage,
      complaints: z.string(),
    })
    .optional(),
  audit: z.union([z.string(), z.object({ passed: z.boolean(), output: z.string() })]).optional(),
});

const comparison = z.object({
  format: z.literal(1),
  startedAt: z.string(),
  /** Only of one that was measured to its end. */
  finishedAt: z.string().optional(),
  /** Why it was not. */
  brokenOff: z.string().optional(),
  plan: z.object({
    quick: z.boolean(),
    stacks: z.array(stackName).min(1),
    levels: z.array(count).min(1),
    repeats: count,
    warmUps: count,
    seconds: z.object({ warmUp: count, run: count, yardstickWarmUp: count, yardstick: count }),
    race: z.object({ buyers: count, stock: count, prepareSeconds: count }),
  }),
  stacks: z.array(stackResult),
});

/** What `npm run compare` has measured, as it is kept in measured.json. */
export type Comparison = z.infer<typeof comparison>;
export type StackResult = z.infer<typeof stackResult>;
export type Run = z.infer<typeof run>;
export type Load = z.infer<typeof load>;
export type Trend = z.infer<typeof trend>;

/** @throws Error with one sentence if the text is cut off, or not what a comparison leaves behind */
export function parseComparison(text: string): Comparison {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error('is cut off, or no JSON');
  }
  const parsed = comparison.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(`is no result of a comparison: ${issue?.path.join('.')}: ${issue?.message}`);
}

export function resultOf({ stacks }: Comparison, stack: ComparedStack): StackResult | undefined {
  return stacks.find((one) => one.stack === stack);
}

export function runsOf(result: StackResult | undefined, vus: number): Run[] {
  return result?.runs.filter((run) => run.vus === vus) ?? [];
}
