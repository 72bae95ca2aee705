import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { loadFigures, measured, type Target } from '../lib/load.ts';
import type { UsageSample } from '../lib/usage.ts';
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
  const file = join(folder, `${target.stack}-${vus}-${repeat}`);
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
  const { run, usage, k6CpuSeconds } = await measured(target, 'checkout.ts', env, seconds, (one) => samples.push(one));
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
    timeline: { load: loadPerSecond(lines, startedAtMs), usage: usagePerSecond(samples, startedAtMs) },
  };
}
