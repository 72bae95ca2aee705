import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { EventContext } from '../messaging/event-context.ts';
import { OpenSpan, type Attributes, type EndedSpan, type SpanKind, type SpanSink } from './span.ts';
import { newSpanId, newTraceId, readTraceparent, type TraceContext } from './trace-context.ts';

/** Most pieces of one local root that are remembered until its end. */
const maxPieces = 64;
/** Most links of one span. */
const maxLinks = 256;

/**
 * A request, or the handling of an event, in one process. Its pieces are kept until it ends: only then is it known whether it failed or
 * was slow, and is to be told of although it was not chosen for recording.
 */
export class LocalRoot {
  readonly span: OpenSpan;
  readonly #sink: SpanSink;
  #pieces: EndedSpan[] | undefined = [];
  #isKept: boolean;
  #isWanted = false;
  #onceKept: (() => void) | undefined;

  constructor(span: OpenSpan, sink: SpanSink) {
    this.span = span;
    this.#sink = sink;
    this.#isKept = span.context.isSampled;
  }

  get traceId(): string {
    return this.span.context.traceId;
  }

  /** Begins a piece of it. */
  begin(name: string, kind: SpanKind = 'internal'): OpenSpan {
    const context = { ...this.span.context, spanId: newSpanId() };
    const parentSpanId = this.span.context.spanId;
    return new OpenSpan({ name, kind, context, parentSpanId }, (span) => this.#ended(span));
  }

  /** Asks that it is told of, whether or not it was chosen, as far as there is room: money goes back, say. */
  want(): void {
    this.#isWanted = true;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  keep(): void {
    this.#isKept = true;
    this.#onceKept?.();
  }

  /** What is only worth its work where it is told of. */
  onceKept(tell: () => void): void {
    if (this.#isKept) tell();
    else this.#onceKept = tell;
  }

  /** A piece that is over. */
  tell(about: Pick<EndedSpan, 'name' | 'kind' | 'parentSpanId'>, startedAtMs: number, endedAtMs: number): void {
    const context = { ...this.span.context, spanId: newSpanId() };
    const none = { attributes: {}, subject: undefined, links: [], failure: undefined };
    this.#ended({ ...about, ...none, context, startedAtMs, endedAtMs });
  }

  /** Whether it is told of. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** To be called once, after `span` has ended. Pieces that end later are told of at once, or not at all. */
  over(): void {
    const pieces = this.#pieces ?? [];
    this.#pieces = undefined;
    if (this.#isKept) for (const piece of pieces) this.#sink.take(piece);
  }

  #ended(span: EndedSpan): void {
    if (this.#pieces === undefined) {
      if (this.#isKept) this.#sink.take(span);
    } else if (this.#pieces.length < maxPieces) this.#pieces.push(span);
  }
}

export interface TracingOptions {
  sink: SpanSink;
  /** Whether a trace that begins here is to be recorded. */
  isChosen: () => boolean;
  /** From how many ms on a request is told of although its trace was not chosen. */
  slowMs: number;
  /** Most requests and events a second that are told of although they were not chosen: slow, failed, put aside, refunds. */
  maxKeptPerSecond: number;
}

/** Tells what a service does for whom, and how long it takes. */
export class Tracing {
  readonly #options: TracingOptions;
  #kept = { second: 0, count: 0 };

  constructor(options: TracingOptions) {
    this.#options = options;
  }

  /**
   * Begins a request. Of a stranger's `traceparent` the ids are kept and the rest is not: nobody from outside may have everything
   * recorded, nor choose ids by which it would be.
   */
  beginRequest(traceparent: unknown, from: 'outside' | 'service'): LocalRoot {
    const { isChosen } = this.#options;
    const parent = readTraceparent(traceparent);
    const isSampled = from === 'service' && parent ? parent.isSampled : isChosen();
    const context = { traceId: parent?.traceId ?? newTraceId(), spanId: newSpanId(), isSampled };
    return this.#localRoot({ name: 'request', kind: 'server', context, parentSpanId: parent?.spanId });
  }

  /** Ends a request. @param failure of one that nobody expected to fail */
  endRequest(root: LocalRoot, { name, ms, failure }: { name: string; ms: number; failure?: string | undefined }): void {
    const { slowMs } = this.#options;
    if (failure !== undefined || ms > slowMs) root.want();
    this.#end(root, { name, failure });
  }

  /**
   * Begins to handle an event.
   * @param context what came beside it; without, a trace begins here
   */
  beginHandling(service: string, event: DomainEvent, context: EventContext | undefined): LocalRoot {
    const parent = readTraceparent(context?.traceparent);
    const isSampled = parent?.isSampled ?? this.#options.isChosen();
    const own = { traceId: parent?.traceId ?? newTraceId(), spanId: newSpanId(), isSampled };
    const name = `${service} handles ${event.type}`;
    const root = this.#localRoot({ name, kind: 'consumer', context: own, parentSpanId: parent?.spanId });
    Object.assign(root.span.attributes, {
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.message.id': event.id,
      'flash_sale.event.type': event.type,
    });
    root.span.subject = event.data;
    if (parent) root.onceKept(() => tellOfWay(root, event, parent, context?.since));
    return root;
  }

  /** Ends the handling of an event. @param failure of one that cannot be handled, now or ever */
  endHandling(
    root: LocalRoot,
    { failure, isPutAside }: { failure?: string | undefined; isPutAside?: boolean } = {},
  ): void {
    if (isPutAside) root.want();
    this.#end(root, { failure });
  }

  /**
   * Begins what is done for many at once: a trace of its own, with links to those it is done for.
   * @returns undefined when none of them is recorded
   */
  beginForMany(name: string, kind: SpanKind, those: readonly TraceContext[]): OpenSpan | undefined {
    const links = those.filter(({ isSampled }) => isSampled);
    if (links.length === 0) return undefined;
    const context = { traceId: newTraceId(), spanId: newSpanId(), isSampled: true };
    const span = new OpenSpan({ name, kind, context, parentSpanId: undefined }, (ended) =>
      this.#options.sink.take(ended),
    );
    span.links.push(...links.slice(0, maxLinks));
    return span;
  }

  #localRoot(about: Pick<EndedSpan, 'name' | 'kind' | 'context' | 'parentSpanId'>): LocalRoot {
    const { sink } = this.#options;
    const root: LocalRoot = new LocalRoot(
      new OpenSpan(about, (span) => {
        if (root.isKept) sink.take(span);
      }),
      sink,
    );
    return root;
  }

  #end(root: LocalRoot, how: { name?: string; failure: string | undefined }): void {
    if (root.isWanted && !root.isKept && this.#mayKeep()) root.keep();
    root.span.end(how);
    root.over();
  }

  #mayKeep(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#kept.second) this.#kept = { second, count: 0 };
    this.#kept.count += 1;
    return this.#kept.count <= this.#options.maxKeptPerSecond;
  }
}

/** What it has waited in outbox and queue, and been on its way. By the clocks of two machines: it is never less than nothing. */
function tellOfWay(
  root: LocalRoot,
  event: DomainEvent,
  parent: TraceContext,
  sinceMs = Date.parse(event.occurredAt),
): void {
  const { startedAtMs } = root.span;
  const arrivedAtMs = Date.now() - (performance.now() - startedAtMs);
  const wayMs = Math.max(0, arrivedAtMs - sinceMs);
  root.tell(
    { name: `${event.type} is on its way`, kind: 'producer', parentSpanId: parent.spanId },
    startedAtMs - wayMs,
    startedAtMs,
  );
}

const ids = {
  reservationId: 'flash_sale.reservation.id',
  orderId: 'flash_sale.order.id',
  paymentId: 'flash_sale.payment.id',
} as const;
/** The attributes by which a purchase is looked for. */
export const idAttributes: readonly string[] = Object.values(ids);

/** Those of them that are in an event's data or a command's input. */
export function idsIn(subject: object | undefined): Attributes {
  const found: Attributes = {};
  for (const [field, attribute] of Object.entries(ids)) {
    const id = (subject as Record<string, unknown> | undefined)?.[field];
    if (typeof id === 'string') found[attribute] = id;
  }
  return found;
}
