import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log.ts';

/** Repeats a task for as long as the service lives: never two at once, a failure is logged and the next turn comes. */
export function periodically(options: { name: string; everyMs: number; log: Logger; task: () => Promise<unknown> }) {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      // A tenth of jitter keeps the instances of a service from working in step.
      await sleep(options.everyMs * (0.9 + Math.random() * 0.2), undefined, {
        signal: stopping.signal,
        ref: false,
      }).catch(() => {});
      if (stopping.signal.aborted) return;
      await options.task().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        options.log.warn({ task: options.name, reason }, 'periodic task failed');
      });
    }
  })();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
