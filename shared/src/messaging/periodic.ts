import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log.ts';

export interface PeriodicOptions {
  name: string;
  everyMs: number;
  log: Logger;
  task: () => Promise<unknown>;
  /** The first turn comes now, not after the first pause. */
  atOnce?: boolean;
}

/** Repeats a task for as long as the service lives: never two at once, a failure is logged and the next turn comes. */
export function periodically({ name, everyMs, log, task, atOnce = false }: PeriodicOptions) {
  const stopping = new AbortController();
  let pause = new AbortController();
  let isWanted = atOnce;
  const running = (async () => {
    while (!stopping.signal.aborted) {
      pause = new AbortController();
      // A tenth of jitter keeps the instances of a service from working in step.
      const signal = AbortSignal.any([stopping.signal, pause.signal]);
      if (!isWanted)
        await sleep(everyMs * (0.9 + Math.random() * 0.2), undefined, { signal, ref: false }).catch(() => {});
      if (stopping.signal.aborted) return;
      isWanted = false;
      await task().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        log.warn({ task: name, reason }, 'periodic task failed');
      });
    }
  })();
  return {
    /** Makes the next turn come now; after the one that is under way, if any. */
    wake(): void {
      isWanted = true;
      pause.abort();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
