import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { createTestInfluxdb, type TestInfluxdb } from '../../../infra/testing/influxdb.ts';
import type { Logger } from '../log.ts';
import { eventually } from '../testing/eventually.ts';
import { InfluxCollector } from './influx-collector.ts';
import { Metrics } from './metrics.ts';

let influxdb: TestInfluxdb;
let metrics: Metrics;
let warnings: string[];
const opened: InfluxCollector[] = [];

beforeAll(async () => {
  influxdb = await createTestInfluxdb();
});
afterAll(() => influxdb?.close());
beforeEach(() => {
  metrics = new Metrics({ stack: 'sync', service: 'order' });
  warnings = [];
});
afterEach(() => Promise.all(opened.splice(0).map((collector) => collector.close())));

function collect({ everyMs = 60_000, url = influxdb.url, maxBuffered = 5_000 } = {}): InfluxCollector {
  const warn = jest.fn((_fields: object, message: string) => void warnings.push(message));
  const { token, org, bucket } = influxdb;
  const tags = { stack: 'sync', service: 'order', instance: '2' };
  const log = { warn } as unknown as Logger;
  const collector = new InfluxCollector({ url, token, org, bucket, tags, metrics, log, everyMs, maxBuffered });
  opened.push(collector);
  return collector;
}

/** The last value of each field, and the tags, of the series that has them all. */
async function lastOf(measurement: string): Promise<Record<string, unknown>> {
  const [series] = await influxdb.ask(`SELECT * FROM ${measurement} GROUP BY * ORDER BY time DESC LIMIT 1`);
  const { columns = [], values = [], tags } = series ?? {};
  return { ...tags, ...Object.fromEntries(columns.map((column, index) => [column, values[0]?.[index]])) };
}

test('writes on closing what the interval has seen', async () => {
  const collector = collect();
  for (const ms of [10, 20, 30, 400]) metrics.requestDone('/api/orders/:id', 'GET', 200, ms);
  metrics.batchDone(3, 12);
  metrics.batchDone(5, 8);
  const gauges = { outbox: 'flash_sale_outbox_records', queue: 'flash_sale_queue_messages' };
  metrics.watch({ measurement: 'backlog', gauges, read: () => [{ fields: { outbox: 7, queue: undefined } }] });
  await collector.close();
  // Closing does not wait for long; what it has sent arrives all the same.
  await eventually(() => expect(collector.counts).toEqual({ written: 5, lost: 0 }));

  const from = { stack: 'sync', service: 'order', instance: '2' };
  const http = await lastOf('http');
  expect(http).toMatchObject({ ...from, route: '/api/orders/:id', method: 'GET', status: '200' });
  expect(http).toMatchObject({ count: 4, sum_ms: expect.closeTo(460), max_ms: 400 });
  expect(http['p50_ms']).toBeCloseTo(20);
  expect(http['p99_ms']).toBeGreaterThan(300);
  expect(http['p99_ms']).toBeLessThanOrEqual(400);
  expect(await lastOf('batch')).toMatchObject({ batches: 2, items: 8, mean_items: 4, max_items: 5, mean_ms: 10 });
  const backlog = await lastOf('backlog');
  expect(backlog).toMatchObject({ ...from, outbox: 7 });
  expect(backlog).not.toHaveProperty('queue');
  const measured = await lastOf('process');
  expect(measured).toMatchObject(from);
  for (const field of ['rss_bytes', 'heap_used_bytes', 'heap_total_bytes'])
    expect(measured[field]).toBeGreaterThan(1e6);
  expect(measured['event_loop_utilization']).toBeLessThanOrEqual(1);
});

test('begins each interval anew', async () => {
  metrics.requestDone('/api/orders', 'GET', 200, 900);
  await metrics.takeInterval();
  metrics.requestDone('/api/orders', 'GET', 200, 4);
  const http = (await metrics.takeInterval()).filter(({ measurement }) => measurement === 'http');
  expect(http).toHaveLength(1);
  expect(http[0]?.fields).toMatchObject({ count: 1, max_ms: 4 });
  expect(http[0]?.fields['p99_ms']).toBeLessThanOrEqual(4);
  expect((await metrics.takeInterval()).filter(({ measurement }) => measurement === 'http')).toEqual([]);
});

test('counts what is lost while InfluxDB is away, says so once, and goes on when it is back', async () => {
  const collector = collect({ everyMs: 20 });
  await eventually(() => expect(collector.counts.written).toBeGreaterThan(0));
  await influxdb.stop();
  await eventually(() => expect(collector.counts.lost).toBeGreaterThan(9));
  expect(warnings).toEqual(['InfluxDB is away; metrics are lost until it is back']);
  await influxdb.start();
  const { written } = collector.counts;
  await eventually(() => expect(collector.counts.written).toBeGreaterThan(written));
  expect(warnings).toEqual(['InfluxDB is away; metrics are lost until it is back', 'InfluxDB is back']);
});

test('keeps no more than its bound for an InfluxDB that does not answer, and does not wait for it to close', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => silent.once('listening', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const collector = collect({ url, everyMs: 5, maxBuffered: 10 });
    await eventually(() => expect(collector.counts.lost).toBeGreaterThan(0));
    const startedAt = performance.now();
    await collector.close();
    // Two writes that get no answer would take four seconds.
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  } finally {
    silent.close();
    for (const socket of sockets) socket.destroy();
  }
});
