import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attributes, SpanKind } from '@flash-sale/shared/tracing/span.ts';

/** A span as it is read back. Times in ms since 1970. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  kind: SpanKind;
  /** Service and instance, as in `order-2`. */
  by: string;
  startedAtMs: number;
  endedAtMs: number;
  attributes: Attributes;
  links: { traceId: string; spanId: string }[];
  failure: string | undefined;
}

/** What we read of a request of OTLP in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
interface OtlpRequest {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] };
    scopeSpans: { spans: OtlpSpan[] }[];
  }[];
}
interface OtlpAttribute {
  key: string;
  value: { stringValue?: string; boolValue?: boolean; intValue?: number | string; doubleValue?: number };
}
interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: OtlpAttribute[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number; message?: string };
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const failed = 2;

/**
 * Every span that the processes of a stack have written, file by file. A line that cannot be read, such as the last one of a process
 * that was killed, is left out.
 * @throws when there is no such folder
 */
export async function* spansIn(folder: string): AsyncGenerator<Span> {
  const files = (await readdir(folder)).filter((name) => /\.jsonl(\.1)?$/.test(name)).sort();
  for (const file of files) {
    const handle = await open(join(folder, file)).catch(() => undefined); // it may have made place for another just now
    for await (const line of handle?.readLines() ?? []) yield* spansOf(line);
  }
}

function spansOf(line: string): Span[] {
  let request: Partial<OtlpRequest> | null;
  try {
    request = JSON.parse(line) as typeof request;
  } catch {
    return [];
  }
  return (request?.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const { 'service.name': service, 'service.instance.id': instance } = valuesOf(resource.attributes);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => spanOf(span, `${service}-${instance}`)));
  });
}

function spanOf(span: OtlpSpan, by: string): Span {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    kind: kinds[span.kind] ?? 'internal',
    by,
    startedAtMs: millisecondsOf(span.startTimeUnixNano),
    endedAtMs: millisecondsOf(span.endTimeUnixNano),
    attributes: valuesOf(span.attributes),
    links: span.links ?? [],
    failure: span.status?.code === failed ? (span.status.message ?? 'failed') : undefined,
  };
}

/** A whole number of nanoseconds is more than a number holds exactly. */
const millisecondsOf = (nanoseconds: string): number => Number(BigInt(nanoseconds) / 1_000n) / 1_000;

const valuesOf = (attributes: OtlpAttribute[]): Span['attributes'] =>
  Object.fromEntries(
    attributes.map(({ key, value: { stringValue, boolValue, intValue, doubleValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  );
