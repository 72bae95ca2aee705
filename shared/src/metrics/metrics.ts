import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { EventLoopDelay } from './event-loop-delay.ts';
import { percentile } from './percentile.ts';

/** One point in the making: what was measured, of which thing, and its values. */
export interface Sample {
  measurement: string;
  tags?: Record<string, string>;
  /** Those without a value are left out. */
  fields: Record<string, number | undefined>;
}

/** Numbers that are read when somebody looks. */
export interface Watched {
  measurement: string;
  /** The name of the one tag, where there are several of a kind. */
  tag?: string;
  /** Each field's name for Prometheus. */
  gauges: Record<string, string>;
  read: () => { of?: string; fields: Record<string, number | undefined> }[];
}

const requestBounds = [
  0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10,
  30,
];
const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const batchBounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
/** Each probe wakes the process up, ten of which share two processors here. */
const probeLoopEveryMs = 100;
const hardlyEverMs = 3_600_000;

interface RequestSeries {
  tags: { route: string; method: string; status: string };
  observe: (seconds: number) => void;
  /** Of the interval. */
  maxMs: number;
}
interface Cumulative {
  counts: number[];
  count: number;
  sum: number;
}
const nothingYet: Cumulative = { counts: [], count: 0, sum: 0 };

/** What a process counts: one registry, which Prometheus reads at /metrics and the collector samples for InfluxDB. */
export class Metrics {
  readonly registry = new Registry();
  readonly #process: Registry;
  readonly #requests: Histogram<'route' | 'method' | 'status'>;
  readonly #batchItems: Histogram;
  readonly #batchSeconds: Histogram;
  readonly #series = new Map<string, RequestSeries>();
  readonly #watched: Watched[] = [];
  #seen = new Map<string, Cumulative>();
  #batches = { batches: 0, items: 0, max: 0, ms: 0 };

  /**
   * @param processAs the service that the figures of the process are told as, where that is another: a process that holds
   *   several is none of them; null where somebody else tells them
   */
  constructor(labels: { stack: string; service: string }, processAs: string | null = labels.service) {
    const registers = [this.registry];
    this.registry.setDefaultLabels(labels);
    this.#process = processAs === labels.service ? this.registry : new Registry();
    this.#process.setDefaultLabels({ ...labels, service: processAs ?? '' });
    if (processAs !== null) this.#watchProcess();
    this.#requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Requests by route, method and status, until their answer was written.',
      labelNames: ['route', 'method', 'status'],
      buckets: requestBounds,
      registers,
    });
    this.#batchItems = new Histogram({
      name: 'flash_sale_batch_items',
      help: 'Commands and events that shared one transaction.',
      buckets: batchSizes,
      registers,
    });
    this.#batchSeconds = new Histogram({
      name: 'flash_sale_batch_duration_seconds',
      help: 'Time of one transaction of the lane.',
      buckets: batchBounds,
      registers,
    });
  }

  /** All of it, as Prometheus reads it. */
  async page(): Promise<string> {
    const registries = new Set([this.registry, this.#process]);
    return (await Promise.all([...registries].map((one) => one.metrics()))).join('\n');
  }

  requestDone(route: string, method: string, status: number, ms: number): void {
    const key = `${status} ${method} ${route}`;
    let series = this.#series.get(key);
    if (!series) {
      const tags = { route, method, status: String(status) };
      const one = this.#requests.labels(tags);
      this.#series.set(key, (series = { tags, observe: (seconds) => one.observe(seconds), maxMs: 0 }));
    }
    series.observe(ms / 1_000);
    if (ms > series.maxMs) series.maxMs = ms;
  }

  batchDone(items: number, ms: number): void {
    this.#batchItems.observe(items);
    this.#batchSeconds.observe(ms / 1_000);
    const batches = this.#batches;
    batches.batches += 1;
    batches.items += items;
    batches.ms += ms;
    batches.max = Math.max(batches.max, items);
  }

  watch(watched: Watched): void {
    this.#watched.push(watched);
    const { measurement, tag, gauges, read } = watched;
    for (const [field, name] of Object.entries(gauges)) {
      const values = () => read().map(({ of, fields }) => ({ of, value: fields[field] }));
      this.#gauge(name, `${measurement}: ${field}, as of now.`, values, { tag });
    }
  }

  /** What happened since the last call, and what is watched as it stands. Only one may call it: it begins a new interval. */
  async takeInterval(): Promise<Sample[]> {
    const watched = this.#watched.flatMap(({ measurement, tag, read }) =>
      read().map(({ of, fields }) => ({
        measurement,
        ...(tag && of !== undefined ? { tags: { [tag]: of } } : {}),
        fields,
      })),
    );
    return [...(await this.#takeRequests()), this.#takeBatches(), ...watched];
  }

  /** What prom-client tells of a process, but for the event loop: its figures never fall below the time between two probes. */
  #watchProcess(): void {
    const register = this.#process;
    collectDefaultMetrics({ register, eventLoopMonitoringPrecision: hardlyEverMs });
    for (const { name } of register.getMetricsAsArray())
      if (name.startsWith('nodejs_eventloop_lag')) register.removeSingleMetric(name);
    const delay = new EventLoopDelay(probeLoopEveryMs);
    const p99Seconds = () => {
      const taken = delay.take();
      return [{ of: undefined, value: taken && taken.p99Ms / 1_000 }];
    };
    const help = 'How late the event loop came to what was due, since the last look.';
    this.#gauge('flash_sale_event_loop_delay_p99_seconds', help, p99Seconds, { register });
  }

  /** Is read when somebody looks. What has no value is not told: 0 would be an answer. */
  #gauge(
    name: string,
    help: string,
    read: () => { of: string | undefined; value: number | undefined }[],
    { tag, register = this.registry }: { tag?: string | undefined; register?: Registry },
  ) {
    new Gauge({
      name,
      help,
      labelNames: tag ? [tag] : [],
      registers: [register],
      collect() {
        this.reset();
        if (!tag) this.remove(); // without labels it begins at 0
        for (const { of, value } of read()) {
          if (value !== undefined) this.set(tag && of !== undefined ? { [tag]: of } : {}, value);
        }
      },
    });
  }

  #takeBatches(): Sample {
    const { batches, items, max, ms } = this.#batches;
    this.#batches = { batches: 0, items: 0, max: 0, ms: 0 };
    const mean = (sum: number) => (batches > 0 ? sum / batches : 0);
    const fields = { batches, items, mean_items: mean(items), max_items: max, mean_ms: mean(ms) };
    return { measurement: 'batch', fields };
  }

  async #takeRequests(): Promise<Sample[]> {
    const now = await this.#readRequests();
    const samples = [...now].flatMap(([key, { counts, count, sum }]) => {
      const series = this.#series.get(key)!;
      const before = this.#seen.get(key) ?? nothingYet;
      if (count === before.count) return [];
      const { maxMs } = series;
      series.maxMs = 0;
      const perBucket = counts.map((value, index) => value - (before.counts[index] ?? 0));
      const ms = (share: number) => percentile(requestBounds, perBucket, share, maxMs / 1_000) * 1_000;
      const fields = {
        count: count - before.count,
        sum_ms: (sum - before.sum) * 1_000,
        p50_ms: ms(0.5),
        p95_ms: ms(0.95),
        p99_ms: ms(0.99),
        max_ms: maxMs,
      };
      return [{ measurement: 'http', tags: series.tags, fields }];
    });
    this.#seen = now;
    return samples;
  }

  /** The histogram as it stands, per series; prom-client tells of each bucket how many values lie in it or below. */
  async #readRequests(): Promise<Map<string, Cumulative>> {
    const read = new Map<string, Cumulative & { below: number }>();
    for (const { labels, metricName, value } of (await this.#requests.get()).values) {
      const key = `${labels.status} ${labels.method} ${labels.route}`;
      let series = read.get(key);
      if (!series) read.set(key, (series = { counts: [], count: 0, sum: 0, below: 0 }));
      if (metricName?.endsWith('_sum')) series.sum = value;
      else if (metricName?.endsWith('_count')) series.count = value;
      else {
        series.counts.push(value - series.below);
        series.below = value;
      }
    }
    return read;
  }
}
