import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type as systemName } from 'node:os';
import { promisify } from 'node:util';
import { findK6 } from '../../infra/k6.ts';
import type { Machine } from './results.ts';

const run = promisify(execFile);

/** What a figure depends on. */
export async function describeMachine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${systemName()} ${release()}`,
    node: process.version,
    k6: (await firstLine(await findK6(), ['version'])).replace(/^k6 /, ''),
    commit: await commitOf(import.meta.dirname),
  };
}

/** What is checked out there, in short; `unknown` where there is no git. */
export function commitOf(folder: string): Promise<string> {
  return firstLine('git', ['-C', folder, 'describe', '--always', '--dirty']);
}

async function firstLine(command: string, args: string[]): Promise<string> {
  try {
    return (await run(command, args)).stdout.split('\n')[0] ?? '';
  } catch {
    return 'unknown';
  }
}
