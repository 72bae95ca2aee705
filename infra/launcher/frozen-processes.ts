import { readFileSync } from 'node:fs';
import { stateOf } from './process-identity.ts';

/** A process that the kernel has stopped for so long counts as dead. */
export const frozenAfterMs = 2_000;
/** Between two looks. After a longer pause we did not run ourselves, and must not judge by what we did not see. */
export const maxGapMs = 1_000;

interface NamedProcess {
  name: string;
  pid: number;
}

/**
 * Finds processes that do not run: stopped (SIGSTOP), which they cannot tell themselves, while their sockets go on taking
 * connections. It asks the kernel and not the process, so that slowness is never mistaken for death: a busy machine or a
 * blocked event loop leaves no process stopped. Neither does what stops a whole machine or container, and who is stopped by a
 * debugger (`t`) is in good hands. Linux only: elsewhere nothing is ever found.
 */
export class FrozenProcesses {
  readonly #since = new Map<number, number>();
  #lookedAtMs = -Infinity;

  /** @returns those of the processes, and of their descendants, that have been stopped for long enough */
  look(processes: NamedProcess[], nowMs = performance.now()): NamedProcess[] {
    if (nowMs - this.#lookedAtMs > maxGapMs) this.#since.clear();
    this.#lookedAtMs = nowMs;
    const stopped = processes.flatMap(withDescendants).filter(({ pid }) => stateOf(pid) === 'T');
    const pids = new Set(stopped.map(({ pid }) => pid));
    for (const pid of this.#since.keys()) if (!pids.has(pid)) this.#since.delete(pid);
    for (const pid of pids) if (!this.#since.has(pid)) this.#since.set(pid, nowMs);
    return stopped.filter(({ pid }) => nowMs - this.#since.get(pid)! >= frozenAfterMs);
  }
}

/** nginx and PostgreSQL work in children. Each starts a killed one again, or ends and is started again itself. */
function withDescendants({ name, pid }: NamedProcess): NamedProcess[] {
  return [{ name, pid }, ...childrenOf(pid).flatMap((child) => withDescendants({ name, pid: child }))];
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has ended, or this system does not tell
  }
}
