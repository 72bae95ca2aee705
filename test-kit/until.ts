import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats a look at something until it is as it should be. @throws when that takes too long, with what it looks for */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  withinMs = 60_000,
  everyMs = 50,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs / 1_000} s in vain: ${what}`);
    await sleep(everyMs);
  }
}
