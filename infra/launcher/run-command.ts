import { spawn } from 'node:child_process';
import type { RunAs } from './unprivileged.ts';

interface CommandOptions {
  runAs?: RunAs | undefined;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal | undefined;
  /** Called with each line of output as it comes. */
  onLine?: (line: string) => void;
}

/** Runs a command to its end and answers its exit code and its last 64 KB of output. Throws only if it cannot be run. */
export async function runCommand(command: string, args: string[], options: CommandOptions = {}) {
  const { runAs, env, cwd, signal, onLine } = options;
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(env ? { env } : {}),
    ...(cwd ? { cwd } : {}),
    ...(signal ? { signal } : {}),
    ...(runAs ? { uid: runAs.uid, gid: runAs.gid } : {}),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-65_536);
      if (onLine) text.split('\n').filter(Boolean).forEach(onLine);
    });
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  return { code, output: output.trim() };
}
