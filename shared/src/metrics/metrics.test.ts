import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../testing/eventually.ts';
import { EventLoopDelay } from './event-loop-delay.ts';
import { Metrics } from './metrics.ts';

const pageOf = (metrics: Metrics) => metrics.registry.metrics();

test('what is not known is not told, rather than told as 0', async () => {
  const metrics = new Metrics({ stack: 'sync', service: 'order' });
  let outbox: number | undefined = 7;
  const gauges = { outbox: 'flash_sale_outbox_records', queue: 'flash_sale_queue_messages' };
  metrics.watch({ measurement: 'backlog', gauges, read: () => [{ fields: { outbox, queue: undefined } }] });
  expect(await pageOf(metrics)).toMatch(/^flash_sale_outbox_records\{.*\} 7$/m);
  expect(await pageOf(metrics)).not.toMatch(/^flash_sale_queue_messages[ {]/m);
  outbox = undefined;
  expect(await pageOf(metrics)).not.toMatch(/^flash_sale_outbox_records[ {]/m);
});

test('the figures of a process with several services are told as of none of them, and once', async () => {
  const [first, second] = [
    new Metrics({ stack: 'sync', service: 'order' }, 'services'),
    new Metrics({ stack: 'sync', service: 'payment' }, null),
  ];
  const cpu = (page: string) => page.match(/^process_cpu_seconds_total.*$/gm) ?? [];
  expect(cpu(await first.page())).toEqual([expect.stringContaining('stack="sync",service="services"')]);
  expect(cpu(await second.page())).toEqual([]);
  expect(await first.page()).toMatch(/^flash_sale_batch_items_count\{.*service="order"/m);
  const alone = new Metrics({ stack: 'sync', service: 'order' });
  expect(cpu(await alone.page())).toEqual([expect.stringContaining('stack="sync",service="order"')]);
});

test('what has gone is told no more', async () => {
  const metrics = new Metrics({ stack: 'sync', service: 'inventory' });
  let products = ['lamp', 'chair'];
  const read = () => products.map((of) => ({ of, fields: { held: 1 } }));
  metrics.watch({ measurement: 'stock', tag: 'product', gauges: { held: 'held_units' }, read });
  expect(await pageOf(metrics)).toMatch(/product="lamp".* 1$/m);
  products = ['chair'];
  const page = await pageOf(metrics);
  expect(page).toMatch(/product="chair".* 1$/m);
  expect(page).not.toContain('lamp');
});

describe('the delay of the event loop', () => {
  const everyMs = 50;
  let delay: EventLoopDelay;
  beforeEach(() => void (delay = new EventLoopDelay(everyMs)));
  afterEach(() => delay.close());

  test('is without the time between two probes', () =>
    eventually(() => expect(delay.take()?.p50Ms).toBeLessThan(everyMs / 2)));

  test('has what holds the loop up', () =>
    eventually(() => {
      const untilMs = performance.now() + 4 * everyMs;
      while (performance.now() < untilMs);
      expect(delay.take()?.maxMs).toBeGreaterThan(2 * everyMs);
    }));

  test('is unknown before the first probe', () => expect(delay.take()).toBeUndefined());

  test('is told to Prometheus in seconds, and by prom-client not at all', async () => {
    const metrics = new Metrics({ stack: 'sync', service: 'order' });
    await eventually(async () =>
      expect(await pageOf(metrics)).toMatch(/^flash_sale_event_loop_delay_p99_seconds\{.*\} 0(\.\d+)?$/m),
    );
    expect(await pageOf(metrics)).not.toContain('nodejs_eventloop_lag');
  });
});
