import { z } from 'zod';
import { atRest, audit, count, crowd, load, machine, race } from '../lib/results.ts';

const perSecond = z.array(z.number());
/** Processor time of the sides that stood beside a run, and how long it was counted. */
const beside = z.object({ cpuSeconds: count, seconds: count });

const run = load.extend({
  repeat: count,
  startedAt: z.string(),
  /** Thresholds of the script that did not hold. */
  crossed: z.array(z.string()),
  /** Of the machine, what neither the stack nor k6 had. */
  othersShare: count.optional(),
  /** How long after the last answer nothing was under way any more. */
  settledSeconds: count.optional(),
  beside: beside.optional(),
  timeline: z.object({
    load: z.object({ second: perSecond, requests: perSecond, med: perSecond, p95: perSecond }),
    usage: z.object({
      second: perSecond,
      services: z.array(z.object({ name: z.string(), cores: perSecond, bytes: perSecond })),
    }),
  }),
});

const stackResult = z.object({
  /** With its layout, as in `sync:shared`. */
  stack: z.string(),
  startedAt: z.string(),
  /** Described anew for each stack: figures may be brought together from two places. */
  machine,
  /** Of a comparison that measured one stack after the other. */
  yardsticks: z.object({ before: load.optional(), after: load.optional() }),
  /** After its first start, before anybody asked anything of it. */
  atRest: z.array(atRest).optional(),
  /** After that, when nobody had logged in. Earlier releases did not look. */
  crowd: crowd.optional(),
  runs: z.array(run),
  race: race.optional(),
  audit: audit.optional(),
});

export const comparisonSchema = z.object({
  format: z.literal(1),
  startedAt: z.string(),
  /** Only of one that was measured to its end. */
  finishedAt: z.string().optional(),
  /** Why it was not. */
  brokenOff: z.string().optional(),
  plan: z.object({
    quick: z.boolean(),
    stacks: z.array(z.string()).min(1),
    levels: z.array(count).min(1),
    repeats: count,
    warmUps: count,
    paired: z.literal(true).optional(),
    seconds: z.object({ warmUp: count, run: count, yardstick: count, yardstickWarmUp: count.optional() }),
    crowd: z.object({ shoppers: count }).optional(),
    race: z.object({ buyers: count, stock: count, prepareSeconds: count }),
  }),
  stacks: z.array(stackResult),
  /** One a round, where the stacks took turns. */
  yardsticks: z.array(load.extend({ repeat: count })).optional(),
});

/** What `npm run compare` has measured, as it is kept in measured.json. */
export type Comparison = z.infer<typeof comparisonSchema>;
export type StackResult = z.infer<typeof stackResult>;
export type Run = z.infer<typeof run>;

export function resultOf({ stacks }: Comparison, stack: string): StackResult | undefined {
  return stacks.find((one) => one.stack === stack);
}

export function runsOf(result: StackResult | undefined, vus: number): Run[] {
  return result?.runs.filter((run) => run.vus === vus) ?? [];
}
