import { idAttributes } from '@flash-sale/shared/tracing/tracing.ts';
import type { Span } from './spans.ts';

/** All that is known of a purchase: traces that point to each other, and what was done for it together with others. */
export interface Purchase {
  /** In the order of time. */
  spans: Span[];
  /** By the id of a span, what was done for it together with others: transactions, hops. */
  together: Map<string, Span[]>;
}

/** Of a purchase: it is reserved, paid, cancelled, expires, and each may have been tried again. */
const maxTraces = 32;

/**
 * Finds what belongs to an order, a reservation, a payment or a trace, goes from there to the requests that it is linked with, and to
 * those of which the ids are the same: what no request has brought about, such as the end of a hold, has a trace of its own.
 * @returns undefined when nothing is known of that id
 */
export function purchaseOf(id: string, all: readonly Span[]): Purchase | undefined {
  const byTrace = Map.groupBy(all, ({ traceId }) => traceId);
  const byId = Map.groupBy(
    all.flatMap((span) => idsOf(span).map((one) => ({ one, traceId: span.traceId }))),
    ({ one }) => one,
  );
  const linking = Map.groupBy(
    all.filter(({ kind }) => kind === 'server').flatMap((span) => span.links.map((link) => ({ link, span }))),
    ({ link }) => link.traceId,
  );
  const found = new Set<string>();
  const open = byTrace.has(id) ? [id] : (byId.get(id) ?? []).map(({ traceId }) => traceId);
  for (let traceId; (traceId = open.pop()) !== undefined && found.size < maxTraces;) {
    if (found.has(traceId)) continue;
    found.add(traceId);
    const spans = byTrace.get(traceId) ?? [];
    open.push(
      ...spans.filter(({ kind }) => kind === 'server').flatMap(({ links }) => links.map((link) => link.traceId)),
    );
    open.push(...(linking.get(traceId) ?? []).map(({ span }) => span.traceId));
    open.push(...spans.flatMap(idsOf).flatMap((one) => (byId.get(one) ?? []).map((other) => other.traceId)));
  }
  const spans = [...found].flatMap((traceId) => byTrace.get(traceId) ?? []);
  if (spans.length === 0) return undefined;
  return { spans: spans.sort(byTime), together: togetherFor(spans, all) };
}

/** Of two that begin together, the longer one is around the other. */
const byTime = (a: Span, b: Span): number => a.startedAtMs - b.startedAtMs || b.endedAtMs - a.endedAtMs;

const idsOf = ({ attributes }: Span): string[] =>
  idAttributes.flatMap((name) => (typeof attributes[name] === 'string' ? [attributes[name]] : []));

function togetherFor(spans: Span[], all: readonly Span[]): Map<string, Span[]> {
  const own = new Set(spans.map(({ spanId }) => spanId));
  const traces = new Set(spans.map(({ traceId }) => traceId));
  const together = new Map<string, Span[]>();
  for (const span of all) {
    if (traces.has(span.traceId)) continue;
    for (const { spanId } of span.links)
      if (own.has(spanId)) together.set(spanId, [...(together.get(spanId) ?? []), span]);
  }
  return together;
}
