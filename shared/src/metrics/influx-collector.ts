import { setTimeout as sleep } from 'node:timers/promises';
import { InfluxDB, Point, type WriteApi } from '@influxdata/influxdb-client';
import type { Logger } from '../log.ts';
import type { Metrics, Sample } from './metrics.ts';
import { ProcessSampler } from './process-sampler.ts';

export interface CollectorOptions {
  url: string;
  token: string;
  org: string;
  bucket: string;
  /** Of every point. */
  tags: { stack: string; service: string; instance: string };
  /** As in Metrics; the service of `tags` unless given. */
  processAs?: string | null;
  metrics: Metrics;
  log: Logger;
  everyMs?: number;
  /** Most points that wait while a write is under way; the oldest go first. */
  maxBuffered?: number;
}

const writeWithinMs = 2_000;
/** Longest that a shutdown waits for the last write. */
const closeWithinMs = 1_000;

/**
 * Writes each second's metrics to InfluxDB. Nothing depends on it: a write that fails is counted and forgotten, since
 * the next second's matters more, and InfluxDB is in the log only when it goes away and when it is back.
 */
export class InfluxCollector {
  readonly #options: Required<CollectorOptions>;
  readonly #api: WriteApi;
  readonly #process: ProcessSampler | undefined;
  readonly #timer: NodeJS.Timeout;
  #buffer: Point[] = [];
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #closed = false;
  #away = false;
  #written = 0;
  #lost = 0;

  constructor(options: CollectorOptions) {
    this.#options = { everyMs: 1_000, maxBuffered: 5_000, processAs: options.tags.service, ...options };
    if (this.#options.processAs !== null) this.#process = new ProcessSampler();
    const { url, token, org, bucket, tags, everyMs, maxBuffered } = this.#options;
    this.#api = new InfluxDB({ url, token, timeout: writeWithinMs }).getWriteApi(org, bucket, 'ms', {
      defaultTags: tags,
      flushInterval: 0,
      batchSize: maxBuffered,
      maxRetries: 0,
      gzipThreshold: Infinity, // it is near, and a processor is what we have least of
      writeSuccess: (lines) => this.#onOutcome(lines.length, undefined),
      writeFailed: (error, lines) => {
        this.#onOutcome(lines.length, error);
        // Answering keeps the client from retrying, and from a line of its own in the log.
        return Promise.resolve();
      },
    });
    this.#options.metrics.watch({
      measurement: 'collector',
      gauges: { written: 'flash_sale_collector_written_points', lost: 'flash_sale_collector_lost_points' },
      read: () => [{ fields: this.counts }],
    });
    this.#timer = setInterval(
      () => void this.#collect().catch((err: unknown) => this.#options.log.debug({ err })),
      everyMs,
    ).unref();
  }

  /** Points written and points lost, since the start. */
  get counts(): { written: number; lost: number } {
    return { written: this.#written, lost: this.#lost };
  }

  /** Writes what the last interval has left, as far as that can be done at once. Never rejects. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    const last = async () => {
      await this.#writing;
      if (!this.#closed) await this.#collect();
    };
    await Promise.race([last().catch(() => {}), sleep(closeWithinMs, undefined, { ref: false })]);
    this.#closed = true;
    this.#process?.close();
    this.#api.dispose();
  }

  async #collect(): Promise<void> {
    const atMs = Date.now();
    const samples = [...this.#takeProcess(), ...(await this.#options.metrics.takeInterval())];
    this.#buffer.push(...samples.map((sample) => pointOf(sample, atMs)));
    const tooMany = this.#buffer.length - this.#options.maxBuffered;
    if (tooMany > 0) {
      this.#buffer.splice(0, tooMany);
      this.#lost += tooMany;
    }
    await (this.#writing ??= this.#write().finally(() => (this.#writing = undefined)));
  }

  #takeProcess(): Sample[] {
    const { processAs } = this.#options;
    // A point's own tags go before those of all.
    return this.#process && processAs !== null ? [{ ...this.#process.take(), tags: { service: processAs } }] : [];
  }

  async #write(): Promise<void> {
    this.#api.writePoints(this.#buffer.splice(0));
    await this.#api.flush().catch(() => {}); // onOutcome has heard of it
  }

  #onOutcome(points: number, error: Error | undefined): void {
    if (error) this.#lost += points;
    else this.#written += points;
    if (this.#away === (error !== undefined)) return;
    this.#away = error !== undefined;
    if (error) this.#options.log.warn({ reason: error.message }, 'InfluxDB is away; metrics are lost until it is back');
    else this.#options.log.warn({ lost: this.#lost }, 'InfluxDB is back');
  }
}

function pointOf({ measurement, tags, fields }: Sample, atMs: number): Point {
  const point = new Point(measurement).timestamp(atMs);
  for (const [name, value] of Object.entries(tags ?? {})) point.tag(name, value);
  // Always as floats: InfluxDB refuses a field that comes as an integer once and as a fraction the next time.
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) point.floatField(name, value);
  return point;
}
