import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { loadFigures, measured, type Target } from '../lib/load.ts';
import { readMachineCpu, type MachineCpu } from '../lib/procfs.ts';
import type { Usage, UsageSample } from '../lib/usage.ts';
import type { Run } from './results.ts';
import { loadPerSecond, usagePerSecond } from './timeline.ts';

/** How fast a stack is, is what is measured here and no promise: k6 is to complain only of answers that are wrong. */
const anyP95Ms = '600000';

export interface RunToRecord {
  vus: number;
  seconds: number;
  repeat: number;
  /** Takes k6's summary and its record of every second. */
  folder: string;
}

/** One run of the checkout, kept with all that k6 says of it. */
export async function recordRun(target: Target, { vus, seconds, repeat, folder }: RunToRecord): Promise<Run> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${target.stack.replace(':', '-')}-${vus}-${repeat}`);
  const record = `${file}.seconds.ndjson.gz`;
  const env = {
    BASE_URL: target.url,
    STACK: target.stack,
    VUS: String(vus),
    DURATION: `${seconds}s`,
    P95_MS: anyP95Ms,
    K6_WEB_DASHBOARD: 'true',
    K6_WEB_DASHBOARD_PORT: '-1', // no server, only the record
    K6_WEB_DASHBOARD_PERIOD: '1s',
    K6_WEB_DASHBOARD_RECORD: record,
  };
  const samples: UsageSample[] = [];
  const startedAtMs = Date.now();
  const machineBefore = readMachineCpu();
  const { run, usage, k6CpuSeconds } = await measured(target, 'checkout.ts', env, seconds, (one) => samples.push(one));
  const machine = { before: machineBefore, after: readMachineCpu(), seconds: (Date.now() - startedAtMs) / 1_000 };
  await writeFile(`${file}.summary.json.gz`, await promisify(gzip)(JSON.stringify(run.summary)));
  const lines = (await promisify(gunzip)(await readFile(record))).toString();
  return {
    name: `${vus} shoppers × ${seconds} s`,
    vus,
    seconds,
    repeat,
    startedAt: new Date(startedAtMs).toISOString(),
    ...loadFigures(run),
    usage,
    k6CpuSeconds,
    complaints: run.complaints,
    crossed: run.crossed,
    othersShare: shareOfOthers(machine, usage, k6CpuSeconds, cpus().length),
    timeline: { load: loadPerSecond(lines, startedAtMs), usage: usagePerSecond(samples, startedAtMs) },
  };
}

/** The stacks that stood beside a run are none of the others who had a part of the machine: what they used is known by itself. */
export function withoutNeighbours(run: Run, cores: number): Run {
  if (run.othersShare === undefined || !run.beside) return run;
  const theirs = run.beside.cpuSeconds / (cores * run.beside.seconds);
  return { ...run, othersShare: Math.max(0, run.othersShare - theirs) };
}

/** Of the machine, what neither the stack nor k6 had: others on it did, or its host kept it. Undefined where there is no /proc. */
export function shareOfOthers(
  { before, after, seconds }: { before: MachineCpu | undefined; after: MachineCpu | undefined; seconds: number },
  usage: Usage[],
  k6CpuSeconds: number,
  cores: number,
): number | undefined {
  if (!before || !after) return undefined;
  const busy = after.busySeconds - before.busySeconds + after.stolenSeconds - before.stolenSeconds;
  const ours = usage.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, k6CpuSeconds);
  return Math.max(0, busy - ours) / (cores * seconds);
}
