import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { databases } from '../../infra/launcher/database-names.ts';
import type { RunningStack } from '../../infra/launcher/running-stack.ts';
import { readProcesses } from './procfs.ts';
import { untilQuiet } from './quiet.ts';
import { cpuSecondsOf, processTreesOf } from './usage.ts';

/** Ten idle Node processes and their servers take a fifth of a processor; one that still works, most of one. */
const restsBelowSeconds = 0.4;
const lookEveryMs = 1_000;
const looksInARow = 2;
const maxLooks = 300;
/** Of PostgreSQL: no such database, table or column, or not ours to read. */
const otherBooks = ['3D000', '42P01', '42703', '42501'];

/**
 * Waits until a stack has ended what its last turn has left to do. Its books tell; those of a tree that keeps them in another way
 * than this one cannot be read, and it is at rest when its processes hardly work any more. Throws after five minutes.
 */
export async function untilAtRest(stack: RunningStack, signal: AbortSignal): Promise<void> {
  try {
    if (databases.every((name) => stack.databaseUrls[name])) return await untilQuiet(stack, signal);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !otherBooks.includes(error.code ?? '')) throw error;
  }
  const trees = processTreesOf(stack.processes);
  const used = () => [...cpuSecondsOf(readProcesses(), trees).values()].reduce((sum, seconds) => sum + seconds, 0);
  await untilIdle(used, () => sleep(lookEveryMs, undefined, { signal }));
}

/** Looks at the processor time used so far until it has hardly grown from one look to the next, twice in a row. */
export async function untilIdle(usedSeconds: () => number, pause: () => Promise<unknown>): Promise<void> {
  let before = usedSeconds();
  for (let looks = 0, idle = 0; idle < looksInARow; looks++) {
    if (looks === maxLooks) throw new Error(`the stack was still at work after ${maxLooks} looks`);
    await pause();
    const now = usedSeconds();
    idle = now - before < restsBelowSeconds ? idle + 1 : 0;
    before = now;
  }
}
