import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop comes to what is due, from one look to the next. */
export class EventLoopDelay {
  readonly #everyMs: number;
  readonly #histogram;

  /** @param everyMs how often it is probed; each time wakes the process up */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
    this.#histogram = monitorEventLoopDelay({ resolution: everyMs });
    this.#histogram.enable();
  }

  /** Since the last look; undefined when it has not been probed since. */
  take(): { p50Ms: number; p99Ms: number; maxMs: number } | undefined {
    const histogram = this.#histogram;
    if (histogram.count === 0) return undefined;
    // Node measures from one probe to the next, and so counts in the time that was to lie between them.
    const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - this.#everyMs);
    const taken = {
      p50Ms: lateMs(histogram.percentile(50)),
      p99Ms: lateMs(histogram.percentile(99)),
      maxMs: lateMs(histogram.max),
    };
    histogram.reset();
    return taken;
  }

  close(): void {
    this.#histogram.disable();
  }
}
