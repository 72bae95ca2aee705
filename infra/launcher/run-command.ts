import { spawn } from 'node:child_process';
import { withDeathSignal } from './death-signal.ts';
import type { RunAs } from './unprivileged.ts';

interface CommandOptions {
  runAs?: RunAs | undefined;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Stops the command, and all that it has started; it then also ends when we die. */
  signal?: AbortSignal | undefined;
  /** Called with each line of output as it comes. */
  onLine?: (line: string) => void;
}

/**
 * Runs a command to its end and answers its exit code and its last 64 KB of output. Throws if it cannot be run, or was
 * broken off by the signal; even then only after it has ended with everything it started, so that what it wrote to
 * can be written to again.
 */
export async function runCommand(command: string, args: string[], options: CommandOptions = {}) {
  const { runAs, env, cwd, signal, onLine } = options;
  signal?.throwIfAborted();
  const [file, fileArguments] = signal ? withDeathSignal('SIGTERM', command, args) : [command, args];
  const child = spawn(file, fileArguments, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(env ? { env } : {}),
    ...(cwd ? { cwd } : {}),
    ...(runAs ? { uid: runAs.uid, gid: runAs.gid } : {}),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('error', () => {}); // a pipe that breaks off ends the output; how the command ended tells the rest
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-65_536);
      if (onLine) text.split('\n').filter(Boolean).forEach(onLine);
    });
  }
  const breakOff = () => killGroup(child.pid);
  signal?.addEventListener('abort', breakOff);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    // Not `exit`: the output closes only when nobody is left who could write to it.
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  }).finally(() => signal?.removeEventListener('abort', breakOff));
  signal?.throwIfAborted();
  return { code, output: output.trim() };
}

/** Kills a process that was started `detached`, with everything it has started in its turn. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
