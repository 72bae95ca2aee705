import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../testing/eventually.ts';
import { SpanExport } from './export.ts';
import { chooserOf, endpointOf, isTracingOn, tracingSchema, type TracingConfig } from './settings.ts';
import type { EndedSpan } from './span.ts';
import { newSpanId, newTraceId } from './trace-context.ts';

const configOf = (env: Record<string, string>): TracingConfig =>
  tracingSchema.parse({ OTEL_BSP_SCHEDULE_DELAY: '10', ...env });
const resource = { 'service.name': 'order', 'service.instance.id': '2' };
const spanNamed = (name: string): EndedSpan => ({
  name,
  kind: 'internal',
  context: { traceId: newTraceId(), spanId: newSpanId(), isSampled: false },
  parentSpanId: newSpanId(),
  startedAtMs: performance.now() - 20,
  endedAtMs: performance.now(),
  attributes: { 'flash_sale.batch.items': 3 },
  subject: { orderId: 'o', quantity: 2 },
  links: [{ traceId: newTraceId(), spanId: newSpanId(), isSampled: true }],
  failure: 'why',
});

interface SentSpan {
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}
const spansIn = (text: string): SentSpan[] =>
  text
    .trim()
    .split('\n')
    .flatMap((line) => {
      const { resourceSpans } = JSON.parse(line) as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] };
      return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
    });

describe('settings', () => {
  test('without an address or a folder trace nothing, and OTEL_SDK_DISABLED is the last word', () => {
    expect(isTracingOn(configOf({}))).toBe(false);
    expect(isTracingOn(configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }))).toBe(false);
    expect(isTracingOn(configOf({ TRACES_DIR: '/tmp' }))).toBe(true);
    expect(isTracingOn(configOf({ TRACES_DIR: '/tmp', OTEL_SDK_DISABLED: 'true' }))).toBe(false);
  });

  test.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, 'http://collector:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }, 'http://collector:4318/v1/traces'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://b/otlp' },
      'https://b/otlp',
    ],
  ])('%j lead to %s', (env, url) => expect(endpointOf(configOf(env as Record<string, string>))).toBe(url));

  test.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    { OTEL_EXPORTER_OTLP_HEADERS: 'authorization' },
    { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=%zz' },
    { OTEL_TRACES_SAMPLER: 'jaeger_remote' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'grpc://collector:4317' },
    { OTEL_TRACES_SAMPLER_ARG: '2' },
  ])('%j cannot be used', (env) => expect(tracingSchema.safeParse(env).success).toBe(false));

  test('a share of the requests is chosen', () => {
    const isChosen = chooserOf(
      configOf({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }),
    );
    const chosen = Array.from({ length: 20_000 }, isChosen).filter(Boolean).length;
    expect(chosen).toBeGreaterThan(4_500);
    expect(chosen).toBeLessThan(5_500);
  });
});

describe('a file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'traces-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const file = () => join(folder, 'order-2.jsonl');

  test('has a request of OTLP as JSON in each line, with times by the calendar', async () => {
    const spans = new SpanExport({ config: configOf({ TRACES_DIR: folder }), resource, log: { warn: jest.fn() } });
    const span = spanNamed('gate');
    spans.take(span);
    await spans.close();
    const text = await readFile(file(), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      resourceSpans: [
        {
          resource: {
            attributes: expect.arrayContaining([{ key: 'service.name', value: { stringValue: 'order' } }]) as never,
          },
          scopeSpans: [
            {
              spans: [
                {
                  traceId: span.context.traceId,
                  spanId: span.context.spanId,
                  parentSpanId: span.parentSpanId,
                  name: 'gate',
                  status: { code: 2, message: 'why' },
                  attributes: [
                    { key: 'flash_sale.batch.items', value: { intValue: 3 } },
                    { key: 'flash_sale.order.id', value: { stringValue: 'o' } },
                  ],
                  links: [{ traceId: span.links[0]!.traceId, spanId: span.links[0]!.spanId }],
                },
              ],
            },
          ],
        },
      ],
    });
    const [sent] = spansIn(text);
    const [from, to] = [sent!.startTimeUnixNano, sent!.endTimeUnixNano].map((time) =>
      Number(BigInt(time) / 1_000_000n),
    );
    expect(Math.abs(Date.now() - to!)).toBeLessThan(5_000);
    expect(to! - from!).toBeGreaterThanOrEqual(19);
    expect(spans.counts).toEqual({ sent: 1, lost: 0 });
  });

  test('makes place for another at its bound, and the one before it stays', async () => {
    const config = {
      ...configOf({ TRACES_DIR: folder, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }),
      TRACES_FILE_BYTES_MAX: 2_000,
    };
    const spans = new SpanExport({ config, resource, log: { warn: jest.fn() } });
    for (let n = 0; n < 20; n++) {
      spans.take(spanNamed(`no. ${n}`));
      await eventually(() => expect(spans.counts.sent).toBe(n + 1));
    }
    await spans.close();
    const kept = await Promise.all([`${file()}.1`, file()].map((one) => readFile(one, 'utf8')));
    expect(Math.max(...kept.map(({ length }) => length))).toBeLessThanOrEqual(2_000);
    const names = kept.flatMap(spansIn).map(({ name }) => name);
    expect(names.at(-1)).toBe('no. 19');
    expect(names).toEqual(Array.from(names, (_, n) => `no. ${20 - names.length + n}`));
  });

  test('that a process before has left with half a line goes on with a new one', async () => {
    await writeFile(file(), '{"resourceSpans": [');
    const spans = new SpanExport({ config: configOf({ TRACES_DIR: folder }), resource, log: { warn: jest.fn() } });
    spans.take(spanNamed('gate'));
    await spans.close();
    const [half, whole, ...others] = (await readFile(file(), 'utf8')).split('\n');
    expect([half, spansIn(whole!).map(({ name }) => name), others]).toEqual(['{"resourceSpans": [', ['gate'], ['']]);
  });

  test('that cannot be written costs its spans, and nothing else', async () => {
    const warn = jest.fn();
    const config = configOf({ TRACES_DIR: join(folder, 'missing') });
    const spans = new SpanExport({ config, resource, log: { warn } as never });
    spans.take(spanNamed('gate'));
    await spans.close();
    expect(spans.counts).toEqual({ sent: 0, lost: 1 });
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

describe('a collector', () => {
  let server: Server;
  let answer: (request: IncomingMessage, body: string) => number;
  let url: string;
  beforeEach(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () =>
        response.writeHead(answer(request, body), { 'content-type': 'application/json' }).end('{}'),
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('is sent them with what was asked to be said', async () => {
    const heard: string[] = [];
    answer = (request, body) => {
      heard.push(
        `${request.method} ${request.url} ${String(request.headers.authorization)}`,
        ...spansIn(body).map(({ name }) => name),
      );
      return 200;
    };
    const config = configOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20secret',
    });
    const spans = new SpanExport({ config, resource, log: { warn: jest.fn() } });
    spans.take(spanNamed('gate'));
    await spans.close();
    expect(heard).toEqual(['POST /v1/traces Bearer secret', 'gate']);
    expect(spans.counts).toEqual({ sent: 1, lost: 0 });
  });

  test('that refuses them costs them, and one warning that counts', async () => {
    answer = () => 404;
    const warn = jest.fn();
    const config = configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
    const spans = new SpanExport({ config, resource, log: { warn } as never });
    for (let n = 0; n < 3; n++) {
      spans.take(spanNamed('gate'));
      await eventually(() => expect(spans.counts.lost).toBe(n + 1));
    }
    expect(spans.counts.sent).toBe(0);
    expect(warn.mock.calls).toEqual([[{ lost: 1, reason: expect.any(String) }, 'spans were lost']]);
    await spans.close();
  });

  test('that is silent costs no more than is to wait, and the end waits for it no longer than two seconds', async () => {
    answer = () => 200;
    const held = createServer(() => {});
    await once(held.listen(0, '127.0.0.1'), 'listening');
    const config = configOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(held.address() as AddressInfo).port}`,
      OTEL_BSP_MAX_QUEUE_SIZE: '10',
    });
    const spans = new SpanExport({ config, resource, log: { warn: jest.fn() } });
    for (let n = 0; n < 1_000; n++) spans.take(spanNamed('gate'));
    expect(spans.counts.lost).toBeGreaterThanOrEqual(980);
    const startedAt = performance.now();
    await spans.close();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    held.closeAllConnections();
    held.close();
  });
});
