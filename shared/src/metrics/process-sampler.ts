import { monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks';
import type { Sample } from './metrics.ts';

const resolutionMs = 20;

/** Measures this process between two looks. Close it: it watches the event loop and the garbage collector. */
export class ProcessSampler {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #collections: PerformanceObserver;
  #gc = { ms: 0, count: 0 };
  #cpu = process.cpuUsage();
  #loop = performance.eventLoopUtilization();
  #atMs = performance.now();

  constructor() {
    this.#delay.enable();
    this.#collections = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#gc.ms += duration;
        this.#gc.count += 1;
      }
    });
    this.#collections.observe({ entryTypes: ['gc'] });
  }

  take(): Sample {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const loop = performance.eventLoopUtilization();
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    const fields = {
      cpu_percent: (user + system) / 10 / (nowMs - this.#atMs),
      rss_bytes: rss,
      heap_used_bytes: heapUsed,
      heap_total_bytes: heapTotal,
      event_loop_p50_ms: delayMs(this.#delay.percentile(50)),
      event_loop_p99_ms: delayMs(this.#delay.percentile(99)),
      event_loop_max_ms: delayMs(this.#delay.max),
      event_loop_utilization: performance.eventLoopUtilization(loop, this.#loop).utilization,
      gc_ms: this.#gc.ms,
      gc_count: this.#gc.count,
    };
    this.#delay.reset();
    this.#gc = { ms: 0, count: 0 };
    this.#cpu = process.cpuUsage();
    this.#loop = loop;
    this.#atMs = nowMs;
    return { measurement: 'process', fields };
  }

  close(): void {
    this.#delay.disable();
    this.#collections.disconnect();
  }
}

/** What Node measures is from one look to the next, and so contains the time that was to lie between them. */
const delayMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
