import { runK6, type K6Result } from './k6-run.ts';
import { countOf, failsOf, gaugeOf, passesOf, ratePerSecondOf, tagValuesOf, trendOf } from './k6-summary.ts';
import type { CrowdResult, LoadResult, RaceResult, Trend } from './results.ts';
import { endedChildrenCpuSeconds, measureUsage, type ProcessTree, type Usage, type UsageSample } from './usage.ts';

export interface Target {
  url: string;
  stack: string;
  processes: ProcessTree[];
  /** Ends what runs. */
  signal?: AbortSignal;
}

export interface Load {
  name: string;
  script: string;
  vus: number;
  seconds: number;
  /** More settings of the script. */
  env?: Record<string, string>;
}

/** How long beyond the load itself a run may take: accounts to log in, journeys to end. */
const graceSeconds = 120;

/** Puts one constant load on the target and measures both sides of it. */
export async function putLoad(target: Target, { name, script, vus, seconds, env: more }: Load): Promise<LoadResult> {
  const env = { BASE_URL: target.url, STACK: target.stack, VUS: String(vus), DURATION: `${seconds}s`, ...more };
  const { run, usage, k6CpuSeconds } = await measured(target, script, env, seconds);
  return { name, vus, seconds, ...loadFigures(run), usage, k6CpuSeconds, complaints: run.complaints };
}

/**
 * Makes every instance of the user service know the passwords of so many shoppers, so that the load measures the shop and
 * not argon2id. A service remembers one until five minutes after its last use.
 */
export async function logIn(target: Target, shoppers: number): Promise<void> {
  const { crossed, complaints } = await runK6({
    script: 'log-in.ts',
    env: { BASE_URL: target.url, STACK: target.stack, VUS: String(shoppers) },
    timeoutMs: 200_000,
    signal: target.signal,
  });
  if (crossed.length > 0) throw new Error(`not all of ${shoppers} shoppers could log in\n${complaints}`);
}

export async function runRace(
  target: Target,
  race: { buyers: number; stock: number; prepareSeconds: number },
): Promise<RaceResult> {
  const env = {
    BASE_URL: target.url,
    STACK: target.stack,
    BUYERS: String(race.buyers),
    STOCK: String(race.stock),
    PREPARE_SECONDS: String(race.prepareSeconds),
  };
  const samples: UsageSample[] = [];
  const onSample = (sample: UsageSample) => samples.push(sample);
  const { run, usage } = await measured(target, 'race.ts', env, race.prepareSeconds, onSample);
  const { summary, crossed, complaints } = run;
  return {
    buyers: race.buyers,
    stock: race.stock,
    sold: countOf(summary, 'sold'),
    soldOut: countOf(summary, 'sold_out'),
    other: countOf(summary, 'other'),
    soldTrend: trendOf(summary, 'sold_duration'),
    soldOutTrend: trendOf(summary, 'sold_out_duration'),
    crossed,
    usage,
    cpuSeconds: cpuSecondsSince(gaugeOf(summary, 'starts_at_ms'), samples),
    complaints,
  };
}

/** So many log in at once. For a target that was started just now: it may remember none of them. */
export async function runCrowd(target: Target, shoppers: number): Promise<CrowdResult> {
  const env = { BASE_URL: target.url, STACK: target.stack, VUS: String(shoppers) };
  const { run, usage } = await measured(target, 'crowd.ts', env, graceSeconds);
  const { summary, crossed, complaints } = run;
  const refusedMaxMs = trendOf(summary, 'refused_after')?.max;
  return {
    shoppers,
    letIn: countOf(summary, 'let_in'),
    lastMs: trendOf(summary, 'let_in_after')?.max ?? 0,
    refusals: countOf(summary, 'refusals'),
    ...(refusedMaxMs === undefined ? {} : { refusedMaxMs }),
    triesMax: trendOf(summary, 'tries')?.max ?? 0,
    crossed,
    usage,
    complaints,
  };
}

/** Of all processes, from the last sample before that moment to the last of all: nobody does anything just before a race. */
export function cpuSecondsSince(startMs: number | undefined, samples: UsageSample[]): number | undefined {
  const used = ({ trees }: UsageSample) => trees.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const [before, last] = [samples.findLast(({ atMs }) => startMs !== undefined && atMs <= startMs), samples.at(-1)];
  return before && last && last.trees.length > 0 && last !== before ? used(last) - used(before) : undefined;
}

/** The figures of a checkout or yardstick run, without what setup() did. */
export function loadFigures({ summary }: Pick<K6Result, 'summary'>) {
  const names = tagValuesOf(summary, 'http_req_duration', 'name');
  const steps: Record<string, Trend> = {};
  for (const name of names) {
    const trend = trendOf(summary, `http_req_duration{name:${name}}`);
    if (trend) steps[name] = trend;
  }
  return {
    requests: countOf(summary, 'http_reqs{scenario:default}'),
    requestsPerSecond: ratePerSecondOf(summary, 'http_reqs{scenario:default}'),
    journeys: countOf(summary, 'journeys'),
    journeysPerSecond: ratePerSecondOf(summary, 'journeys'),
    failed: passesOf(summary, 'http_req_failed{scenario:default}'),
    wrong: failsOf(summary, 'checks'),
    all: trendOf(summary, 'http_req_duration{scenario:default}'),
    steps,
    journey: trendOf(summary, 'journey_duration'),
  };
}

/** Runs a script and measures what the target used meanwhile. */
export async function measured(
  target: Target,
  script: string,
  env: Record<string, string>,
  seconds: number,
  onSample?: (sample: UsageSample) => void,
): Promise<{ run: K6Result; usage: Usage[]; k6CpuSeconds: number }> {
  const childrenBefore = endedChildrenCpuSeconds();
  const usageSince = measureUsage(target.processes, onSample);
  try {
    const run = await runK6({ script, env, timeoutMs: (seconds + graceSeconds) * 1_000, signal: target.signal });
    return { run, usage: usageSince(), k6CpuSeconds: endedChildrenCpuSeconds() - childrenBefore };
  } finally {
    usageSince();
  }
}
