import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats a check until it holds. @param what names it in the error @throws when it does not hold in time */
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
