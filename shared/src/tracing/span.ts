import type { TraceContext } from './trace-context.ts';

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';
export type Attributes = Record<string, string | number | boolean>;

/** A piece of work that is over. Times as of `performance.now()`. */
export interface EndedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: TraceContext;
  /** Where it was brought about; undefined at the beginning of a trace. */
  readonly parentSpanId: string | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly attributes: Attributes;
  /** An event's data or a command's input, in which the ids of the purchase are; read only where the span is told of. */
  readonly subject: object | undefined;
  /** What else it has to do with, in this trace or another. */
  readonly links: readonly TraceContext[];
  /** Why it failed, if it did. */
  readonly failure: string | undefined;
}

/** Takes spans to wherever they are kept. */
export interface SpanSink {
  take(span: EndedSpan): void;
}

const maxLetters = 300;

/** A piece of work under way. It becomes a span when it ends. */
export class OpenSpan {
  readonly context: TraceContext;
  readonly startedAtMs = performance.now();
  readonly attributes: Attributes = {};
  readonly links: TraceContext[] = [];
  /** As in EndedSpan. */
  subject: object | undefined;
  readonly #about: Pick<EndedSpan, 'name' | 'kind' | 'parentSpanId'>;
  readonly #onEnd: (span: EndedSpan) => void;

  constructor(about: Pick<EndedSpan, 'name' | 'kind' | 'context' | 'parentSpanId'>, onEnd: (span: EndedSpan) => void) {
    this.context = about.context;
    this.#about = about;
    this.#onEnd = onEnd;
  }

  /** To be called once. @param failure why it failed, if it did */
  end({ name, failure }: { name?: string; failure?: string | undefined } = {}): void {
    const { context, startedAtMs, attributes, subject, links } = this;
    this.#onEnd({
      ...this.#about,
      ...(name === undefined ? {} : { name }),
      context,
      startedAtMs,
      attributes,
      subject,
      links,
      endedAtMs: performance.now(),
      failure: failure?.slice(0, maxLetters),
    });
  }
}
