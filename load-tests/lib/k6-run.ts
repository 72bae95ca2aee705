import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findK6 } from '../../infra/k6.ts';
import { crossedThresholds, type K6Summary } from './k6-summary.ts';

export interface K6Run {
  /** Relative to load-tests/, or absolute. */
  script: string;
  env?: Record<string, string>;
  timeoutMs: number;
  /** More arguments of `k6 run`, such as an output. */
  args?: string[];
  /** Ends the run before its time. */
  signal?: AbortSignal | undefined;
}

export interface K6Result {
  summary: K6Summary;
  /** Thresholds that did not hold. It is up to the caller whether that is a failure. */
  crossed: string[];
  /** The summary as text. */
  text: string;
  /** What the script and k6 complained of: the last 20,000 characters. */
  complaints: string;
}

const thresholdsCrossed = 99;
const maxOutput = 20_000;

/** Runs a k6 script to its end. Throws if it was aborted, took longer than it may, or k6 could not run the script. */
export async function runK6({ script, env, timeoutMs, args = [], signal }: K6Run): Promise<K6Result> {
  const folder = await mkdtemp(join(tmpdir(), 'k6-'));
  try {
    const summaryFile = join(folder, 'summary.json');
    const path = join(import.meta.dirname, '..', script);
    const more = ['--quiet', '--no-color', '--no-usage-report', '--summary-export', summaryFile];
    const child = spawn(await findK6(), ['run', ...more, ...args, script.startsWith('/') ? script : path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const timeUp = AbortSignal.timeout(timeoutMs);
    const { code, text, complaints } = await finish(child, AbortSignal.any([timeUp, ...(signal ? [signal] : [])]));
    signal?.throwIfAborted();
    if (timeUp.aborted) throw new Error(`k6 ${script} was still running after ${timeoutMs / 1_000} s\n${complaints}`);
    if (code !== 0 && code !== thresholdsCrossed)
      throw new Error(`k6 ${script} ended with code ${code}\n${complaints}`);
    const summary = JSON.parse(await readFile(summaryFile, 'utf8')) as K6Summary;
    return { summary, crossed: crossedThresholds(summary), text, complaints };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function finish(child: ChildProcess, signal: AbortSignal) {
  let text = '';
  let complaints = '';
  child.stdout?.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-maxOutput)));
  child.stderr?.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-maxOutput)));
  const kill = () => child.kill('SIGKILL');
  if (signal.aborted) kill();
  signal.addEventListener('abort', kill);
  process.once('exit', kill);
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    return { code, text, complaints };
  } finally {
    signal.removeEventListener('abort', kill);
    process.off('exit', kill);
  }
}
