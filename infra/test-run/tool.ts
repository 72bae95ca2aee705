import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { withDeathSignal } from '../launcher/death-signal.ts';
import type { Cleanup } from './cleanup.ts';

interface ToolOptions {
  root: string;
  /** The path of a script, relative to the root. */
  script: string;
  args: string[];
  cleanup: Cleanup;
  nodeFlags?: string[];
  env?: Record<string, string>;
  /** Answers the output instead of showing it. */
  capture?: boolean;
}

/** Runs a tool on this Node, in a process group of its own which ends with the test run. */
export async function runTool(options: ToolOptions): Promise<{ code: number; output: string }> {
  const { root, script, args, nodeFlags = [], env = {}, capture = false, cleanup } = options;
  const nodeArguments = [...nodeFlags, join(root, script), ...args];
  const [command, commandArguments] = withDeathSignal('SIGKILL', process.execPath, nodeArguments);
  const child = spawn(command, commandArguments, {
    cwd: root,
    env: { ...process.env, ...env },
    // One stream for both, so that the lines keep their order.
    stdio: ['ignore', capture ? 'pipe' : process.stdout.fd, capture ? 'pipe' : process.stdout.fd],
    detached: true,
  });
  const ended = Promise.withResolvers<number>();
  child.once('error', ended.reject);
  child.once('close', (code) => ended.resolve(code ?? 1));
  cleanup.add(() => {
    try {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }, undefined);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('error', () => {}); // a pipe that breaks off ends the output; how the tool ended tells the rest
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return { code: await ended.promise, output: output.trim() };
}
