import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Each probe wakes the process up: a loop that does nothing is probed so many times more rarely, */
const rarerAtRest = 20;
/** which it does below this share of its time. */
const restsBelow = 0.05;

/** How late the event loop comes to what is due, from one look to the next. */
export class EventLoopDelay {
  readonly #atWorkMs: number;
  #everyMs: number;
  #histogram: ReturnType<typeof monitorEventLoopDelay>;
  #loop = performance.eventLoopUtilization();

  /** @param everyMs how often it is probed at work, and until the first look */
  constructor(everyMs: number) {
    this.#atWorkMs = everyMs;
    this.#everyMs = everyMs;
    this.#histogram = this.#probe();
  }

  /** Since the last look; undefined when it has not been probed since. */
  take(): { p50Ms: number; p99Ms: number; maxMs: number } | undefined {
    const histogram = this.#histogram;
    // Its pace is judged by what lies between two looks that found something, too: otherwise looks that come faster than the
    // probes could change it each time, and never find one.
    if (histogram.count === 0) return undefined;
    // Node measures from one probe to the next, and so counts in the time that was to lie between them.
    const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - this.#everyMs);
    const taken = {
      p50Ms: lateMs(histogram.percentile(50)),
      p99Ms: lateMs(histogram.percentile(99)),
      maxMs: lateMs(histogram.max),
    };
    histogram.reset();
    this.#adapt();
    return taken;
  }

  close(): void {
    this.#histogram.disable();
  }

  #adapt(): void {
    const loop = performance.eventLoopUtilization();
    const isAtRest = performance.eventLoopUtilization(loop, this.#loop).utilization < restsBelow;
    this.#loop = loop;
    const everyMs = this.#atWorkMs * (isAtRest ? rarerAtRest : 1);
    if (everyMs === this.#everyMs) return;
    this.#everyMs = everyMs;
    this.#histogram.disable();
    this.#histogram = this.#probe();
  }

  #probe() {
    const histogram = monitorEventLoopDelay({ resolution: this.#everyMs });
    histogram.enable();
    return histogram;
  }
}
