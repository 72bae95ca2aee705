import { countOf } from '../counted.ts';
import type { Purchase } from './purchase.ts';
import type { Span } from './spans.ts';

const barWidth = 40;

/** A purchase as lines: when each piece began, how long it took, who did it, and what it was, each below what brought it about. */
export function waterfall({ spans, together }: Purchase): string[] {
  const firstMs = spans[0]!.startedAtMs;
  const lastMs = Math.max(...spans.map(({ endedAtMs }) => endedAtMs));
  const wholeMs = Math.max(lastMs - firstMs, 0.1);
  const traces = new Set(spans.map(({ traceId }) => traceId));
  const byWidth = Math.max(...spans.map(({ by }) => by.length));
  const own = new Set<string | undefined>(spans.map(({ spanId }) => spanId));
  /** By what brought them about, undefined where we do not have it. */
  const children = Map.groupBy(spans, ({ parentSpanId }) => (own.has(parentSpanId) ? parentSpanId : undefined));
  const lines: string[] = [];
  const tell = (span: Span, depth: number, isOfMany = false) => {
    const fromMs = span.startedAtMs - firstMs;
    const ms = span.endedAtMs - span.startedAtMs;
    lines.push(
      [
        fromMs.toFixed(1).padStart(9),
        ms.toFixed(1).padStart(8),
        barOf(span, fromMs / wholeMs, ms / wholeMs),
        span.by.padEnd(byWidth),
        plain(`${'  '.repeat(depth)}${isOfMany ? '+ ' : ''}${span.name}${detailsOf(span, isOfMany)}`),
      ].join(' '),
    );
  };
  const tellWithAll = (span: Span, depth: number) => {
    tell(span, depth);
    for (const one of together.get(span.spanId) ?? []) tell(one, depth + 1, true);
    for (const child of children.get(span.spanId) ?? []) tellWithAll(child, depth + 1);
  };
  for (const root of children.get(undefined) ?? []) tellWithAll(root, 0);
  return [
    `${countOf(spans.length, ['span', 'spans'])} in ${countOf(traces.size, ['trace', 'traces'])} (${[...traces].join(', ')}), ${wholeMs.toFixed(1)} ms, from ${new Date(firstMs).toISOString()}`,
    '',
    `${'from ms'.padStart(9)} ${'ms'.padStart(8)} ${'█ works  ░ waits'.padEnd(barWidth)} ${'by'.padEnd(byWidth)} what`,
    ...lines,
    '',
    '+ is done for others as well, and takes its time from theirs too',
  ];
}

/** Others' messages are in there, and a terminal obeys control characters. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ');

function barOf({ name }: Span, from: number, share: number): string {
  const start = Math.min(Math.floor(from * barWidth), barWidth - 1);
  const length = Math.min(Math.max(1, Math.round(share * barWidth)), barWidth - start);
  const isWaiting = /\bwaits\b|on its way$/.test(name);
  return `${' '.repeat(start)}${(isWaiting ? '░' : '█').repeat(length)}`.padEnd(barWidth);
}

function detailsOf({ attributes, failure }: Span, isOfMany: boolean): string {
  const status = attributes['http.response.status_code'];
  const items = attributes['db.operation.batch.size'] ?? attributes['messaging.batch.message_count'];
  return [
    ...(status === undefined ? [] : [` ${status}`]),
    ...(isOfMany && items !== undefined ? [` of ${items}`] : []),
    ...(failure === undefined ? [] : [` FAILED: ${failure}`]),
  ].join('');
}
