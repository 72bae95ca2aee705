import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats a check until it no longer throws; after `withinMs` it throws what the last look threw. That is long, because
 * only a test that fails waits for it.
 */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 30_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await sleep(10);
    }
  }
}
