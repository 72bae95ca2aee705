import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { SpanExport } from '@flash-sale/shared/tracing/export.ts';
import { tracingSchema } from '@flash-sale/shared/tracing/settings.ts';
import { newSpanId, newTraceId } from '@flash-sale/shared/tracing/trace-context.ts';
import { freePort } from '../launcher/free-port.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { spansIn, type Span } from '../trace/spans.ts';
import { findCollector } from './tool.ts';

const program = await findCollector();

// `npm run collector:tool` builds it.
(program ? describe : describe.skip)('by an OpenTelemetry Collector', () => {
  let folder: string;
  let collector: ChildProcess;
  let ended: Promise<unknown>;
  let port: number;
  beforeAll(async () => {
    folder = await temporaryFolder('collector');
    port = await freePort();
    await writeFile(
      join(folder, 'config.yaml'),
      `receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${port}' } } } }
exporters: { file: { path: '${join(folder, 'spans.jsonl')}', flush_interval: 100ms } }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines: { traces: { receivers: [otlp], exporters: [file] } }
`,
    );
    collector = spawn(program!, ['--config', join(folder, 'config.yaml')], { stdio: ['ignore', 'ignore', 'inherit'] });
    ended = once(collector, 'exit');
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/v1/traces`)).status).toBe(405));
  });
  afterAll(async () => {
    collector.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  });

  test('spans arrive as they were sent, and it refuses none of them', async () => {
    const config = tracingSchema.parse({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    });
    const resource = { 'service.name': 'order', 'service.instance.id': '2' };
    const sink = new SpanExport({ config, resource, log: { warn: jest.fn() } });
    const links = [{ traceId: newTraceId(), spanId: newSpanId(), isSampled: true }];
    const sent = Array.from({ length: 700 }, (_, n) => ({
      name: `no. ${n}`,
      kind: 'consumer' as const,
      context: { traceId: newTraceId(), spanId: newSpanId(), isSampled: true },
      parentSpanId: newSpanId(),
      startedAtMs: performance.now() - 20,
      endedAtMs: performance.now(),
      attributes: { 'flash_sale.batch.items': n },
      subject: { orderId: 'o' },
      links,
      failure: n % 2 === 0 ? 'why' : undefined,
    }));
    for (const span of sent) sink.take(span);
    await sink.close();
    expect(sink.counts).toEqual({ sent: 700, lost: 0 });
    const received = new Map<string, Span>();
    await eventually(async () => {
      for await (const span of spansIn(folder)) received.set(span.spanId, span);
      expect(received.size).toBe(700);
    });
    for (const { name, context, parentSpanId, attributes, failure } of sent)
      expect(received.get(context.spanId)).toMatchObject({
        name,
        kind: 'consumer',
        traceId: context.traceId,
        parentSpanId,
        by: 'order-2',
        attributes: { ...attributes, 'flash_sale.order.id': 'o' },
        links: links.map(({ traceId, spanId }) => ({ traceId, spanId })),
        failure,
      });
    expect(await readFile(join(folder, 'spans.jsonl'), 'utf8')).toContain('deployment.environment.name');
  });
});
