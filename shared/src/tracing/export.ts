import { SpanKind as OtelKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../log.ts';
import { FileExporter } from './file-exporter.ts';
import { running } from './running.ts';
import { endpointOf, type TracingConfig } from './settings.ts';
import type { EndedSpan, SpanKind, SpanSink } from './span.ts';
import type { TraceContext } from './trace-context.ts';
import { idsIn } from './tracing.ts';

/** How often it is said at most that spans were lost. */
const sayLostEveryMs = 60_000;
/** How long the end of a process may wait for its last spans. */
const closeWithinMs = 2_000;

const kinds: Record<SpanKind, OtelKind> = {
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
  internal: OtelKind.INTERNAL,
};
const scope = { name: 'flash-sale' };

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0];

export interface ExportOptions {
  config: TracingConfig;
  /** What is said of every span. */
  resource: Record<string, string>;
  log: Pick<Logger, 'warn'>;
}

/**
 * Sends spans on in batches, by OpenTelemetry's own processor and exporters, to a collector, a file or both. They are made when their
 * work is over, so its tracer is not needed. Nobody waits for it, and what cannot be sent is lost and counted.
 */
export class SpanExport implements SpanSink {
  readonly counts = { sent: 0, lost: 0 };
  readonly #resource: Resource;
  /** Of each exporter. */
  readonly #queues: { processor: BatchSpanProcessor; waiting: number }[] = [];
  readonly #maxWaiting: number;
  readonly #log: Pick<Logger, 'warn'>;
  #saidAtMs = -Infinity;

  constructor({ config, resource, log }: ExportOptions) {
    this.#resource = resourceFromAttributes({ ...resource, ...config.OTEL_RESOURCE_ATTRIBUTES });
    this.#maxWaiting = config.OTEL_BSP_MAX_QUEUE_SIZE;
    this.#log = log;
    for (const exporter of exportersOf(config, resource)) this.#open(exporter, config);
  }

  take(span: EndedSpan): void {
    const readable = readableOf(span, this.#resource);
    for (const queue of this.#queues) {
      if (queue.waiting >= this.#maxWaiting) {
        this.#lose(1, 'more are made than can be sent');
        continue;
      }
      queue.waiting += 1;
      queue.processor.onEnd(readable);
    }
  }

  /** Sends what waits, within bounds. Never rejects. */
  async close(): Promise<void> {
    const sent = Promise.allSettled(this.#queues.map(({ processor }) => processor.shutdown()));
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, closeWithinMs);
    await Promise.race([sent, deadline.promise]);
    clearTimeout(timer);
  }

  #open(exporter: SpanExporter, config: TracingConfig): void {
    const counted: SpanExporter = {
      export: (spans, done) => {
        queue.waiting -= spans.length;
        const ended = (result: Result) => {
          this.#count(spans.length, result);
          done(result);
        };
        try {
          exporter.export(spans, ended);
        } catch (error) {
          ended({ code: 1, error: error as Error });
        }
      },
      shutdown: () => exporter.shutdown(),
    };
    const processor = new BatchSpanProcessor({
      exporter: counted,
      maxQueueSize: config.OTEL_BSP_MAX_QUEUE_SIZE,
      maxExportBatchSize: Math.min(config.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, config.OTEL_BSP_MAX_QUEUE_SIZE),
      scheduledDelayMillis: config.OTEL_BSP_SCHEDULE_DELAY,
      exportTimeoutMillis: config.OTEL_BSP_EXPORT_TIMEOUT,
    });
    const queue = { processor, waiting: 0 };
    this.#queues.push(queue);
  }

  #count(spans: number, { code, error }: Result): void {
    if (code === ExportResultCode.SUCCESS) this.counts.sent += spans;
    else this.#lose(spans, error?.message ?? 'they were refused');
  }

  #lose(spans: number, reason: string): void {
    this.counts.lost += spans;
    if (performance.now() - this.#saidAtMs < sayLostEveryMs) return;
    this.#saidAtMs = performance.now();
    // Not as if it were about the request amid which it was noticed.
    running.exit(() => this.#log.warn({ lost: this.counts.lost, reason: reason.slice(0, 300) }, 'spans were lost'));
  }
}

function exportersOf(config: TracingConfig, resource: Record<string, string>): SpanExporter[] {
  const url = endpointOf(config);
  const { TRACES_DIR: folder, TRACES_FILE_BYTES_MAX: maxBytes } = config;
  const { OTEL_EXPORTER_OTLP_HEADERS: headers, OTEL_EXPORTER_OTLP_TIMEOUT: timeoutMillis } = config;
  const name = `${resource['service.name']}-${resource['service.instance.id']}`;
  return [
    ...(url === undefined ? [] : [new OTLPTraceExporter({ url, headers, timeoutMillis })]),
    ...(folder === undefined ? [] : [new FileExporter({ folder, name, maxBytes })]),
  ];
}

function readableOf(span: EndedSpan, resource: Resource): ReadableSpan {
  const context = spanContextOf(span.context);
  const { parentSpanId, startedAtMs, endedAtMs, links, failure } = span;
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => context,
    ...(parentSpanId === undefined ? {} : { parentSpanContext: { ...context, spanId: parentSpanId } }),
    startTime: timeOf(startedAtMs),
    endTime: timeOf(endedAtMs),
    duration: hrTime(endedAtMs - startedAtMs),
    status: failure === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: failure },
    attributes: { ...span.attributes, ...idsIn(span.subject) },
    links: links.map((link) => ({ context: spanContextOf(link) })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** What is told of is told of as sampled, for what was kept only at its end as well: the processor passes on nothing else. */
const spanContextOf = ({ traceId, spanId }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
});

/** How far the two clocks may part until the calendar's is believed again: it was set, or this machine slept. */
const maxDriftMs = 2;
let originMs = performance.timeOrigin;

/** By the calendar, what `performance.now()` said. */
function timeOf(ms: number): HrTime {
  const driftMs = Date.now() - (originMs + performance.now());
  if (Math.abs(driftMs) > maxDriftMs) originMs += driftMs;
  return hrTime(originMs + ms);
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
