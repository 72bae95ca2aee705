import { performance, PerformanceObserver } from 'node:perf_hooks';
import { EventLoopDelay } from './event-loop-delay.ts';
import type { Sample } from './metrics.ts';

const probeLoopEveryMs = 20;

/** Measures this process between two looks. Close it: it watches the event loop and the garbage collector. */
export class ProcessSampler {
  readonly #delay = new EventLoopDelay(probeLoopEveryMs);
  readonly #collections: PerformanceObserver;
  #gc = { ms: 0, count: 0 };
  #cpu = process.cpuUsage();
  #loop = performance.eventLoopUtilization();
  #atMs = performance.now();

  constructor() {
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
    const delay = this.#delay.take();
    const fields = {
      cpu_percent: (user + system) / 10 / (nowMs - this.#atMs),
      rss_bytes: rss,
      heap_used_bytes: heapUsed,
      heap_total_bytes: heapTotal,
      event_loop_p50_ms: delay?.p50Ms,
      event_loop_p99_ms: delay?.p99Ms,
      event_loop_max_ms: delay?.maxMs,
      event_loop_utilization: performance.eventLoopUtilization(loop, this.#loop).utilization,
      gc_ms: this.#gc.ms,
      gc_count: this.#gc.count,
    };
    this.#gc = { ms: 0, count: 0 };
    this.#cpu = process.cpuUsage();
    this.#loop = loop;
    this.#atMs = nowMs;
    return { measurement: 'process', fields };
  }

  close(): void {
    this.#delay.close();
    this.#collections.disconnect();
  }
}
