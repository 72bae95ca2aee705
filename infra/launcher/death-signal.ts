import { spawnSync } from 'node:child_process';
import { findExecutable } from './find-executable.ts';

let setpriv: string | undefined | null = null;

/**
 * Wraps a command so that the kernel signals it when we die, however we die: a server that nobody watches any longer
 * should not live on. Where there is no setpriv that can do this (macOS, BusyBox), the next start cleans up.
 */
export function withDeathSignal(signal: NodeJS.Signals, command: string, args: string[]): [string, string[]] {
  if (setpriv === null) setpriv = usableSetpriv();
  if (setpriv === undefined) return [command, args];
  return [setpriv, ['--pdeathsig', signal.replace(/^SIG/, ''), '--', command, ...args]];
}

function usableSetpriv(): string | undefined {
  const found = process.platform === 'linux' ? findExecutable('setpriv') : undefined;
  if (!found) return undefined;
  return spawnSync(found, ['--pdeathsig', 'KILL', '--', 'true'], { stdio: 'ignore' }).status === 0 ? found : undefined;
}
