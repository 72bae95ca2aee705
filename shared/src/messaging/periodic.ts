import type { Logger } from '../log.ts';
import { reasonOf } from '../reason-of.ts';

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
  let isStopped = false;
  let isWanted = atOnce;
  let endPause = () => {};
  // By a plain timer: signals would make several objects a turn, in a process that does little else while it is at rest.
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const running = (async () => {
    while (!isStopped) {
      // A tenth of jitter keeps the instances of a service from working in step.
      if (!isWanted) await pause(everyMs * (0.9 + Math.random() * 0.2));
      if (isStopped) return;
      isWanted = false;
      await task().catch((error: unknown) => {
        const reason = reasonOf(error);
        log.warn({ task: name, reason }, 'periodic task failed');
      });
    }
  })();
  return {
    /** Makes the next turn come now; after the one that is under way, if any. */
    wake(): void {
      isWanted = true;
      endPause();
    },
    async stop(): Promise<void> {
      isStopped = true;
      endPause();
      await running;
    },
  };
}
