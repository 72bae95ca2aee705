import { describe, expect, test } from '@jest/globals';
import { processOfServices } from '@flash-sale/shared/layouts.ts';
import { stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import type { Problem } from '@flash-sale/contract/api/schemas.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { influxql, type Series } from '../infra/launcher/influxql.ts';
import { servicesIn, type Stack } from '../infra/launcher/stack-types.ts';
import { parseMetrics } from '../test-kit/stack/metrics-page.ts';
import { send } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import { expectProblem } from '../test-kit/stack/expectations.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';
import { shoppers, showEveryPanel } from './metrics/dashboards.ts';

const ofEveryService = ['process', 'http', 'backlog', 'batch', 'pool', 'collector'];
/** Of each measurement; those of a thing that only some have are left out. */
const fields: Record<string, string[]> = {
  process: [
    ...['cpu_percent', 'rss_bytes', 'heap_used_bytes', 'heap_total_bytes', 'event_loop_p50_ms', 'event_loop_p99_ms'],
    ...['event_loop_max_ms', 'event_loop_utilization', 'gc_ms', 'gc_count'],
  ],
  http: ['count', 'sum_ms', 'p50_ms', 'p95_ms', 'p99_ms', 'max_ms'],
  backlog: ['outbox', 'waiting'],
  batch: ['batches', 'items', 'mean_items', 'max_items', 'mean_ms'],
  pool: ['waiting', 'used'],
  stock: ['total', 'held', 'sold', 'available'],
  collector: ['written', 'lost'],
};

const hasQueuesOn = (stack: StackName) => stacks[stack].events === 'amqp';

onEachStack('metrics', { demo: { shoppers }, metrics: true }, (theShop, kind) => {
  const { together, processesOf } = kind;
  const pageOf = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  /** Each instance of each service, where it listens, and whose the figures of its process are that it tells, if it does. */
  const instancesIn = ({ processes }: Stack) =>
    processes.flatMap((one) =>
      servicesIn(one).map(({ service, port }, index) => ({
        ...{ service, port, instance: String(one.instance) },
        ofProcess: !together ? service : index === 0 ? processOfServices : undefined,
      })),
    );
  const ofTheOrderService = () => instancesIn(theShop().stack).find(({ service }) => service === 'order')!.port;
  const ask = (statement: string): Promise<Series[]> => influxql(theShop().stack.influxUrl ?? '', statement);

  test('reach InfluxDB from every instance of every service', async () => {
    const { stack } = theShop();
    const shopper = await theShop().aShopper();
    const product = await theShop().aProduct();
    await shopper.aPurchase(product);

    const instances = instancesIn(stack).map(({ service, instance }) => `${service} ${instance}`);
    expect(instances).toHaveLength(2 * serviceNames.length);
    // Of CPU and memory none of the services in a process has a part that could be told.
    const processes = processesOf(...serviceNames).map((name) => name.replace('-', ' '));
    for (const measurement of ofEveryService) {
      const expected = measurement === 'process' ? processes : instances;
      let found: Series[] = [];
      const complete = async () => {
        found = await ask(`SELECT * FROM ${measurement} GROUP BY service, instance, stack LIMIT 1`);
        return found.length >= expected.length;
      };
      await until(`points of ${measurement}`, complete);
      const named = found.map(({ tags }) => `${tags?.['service']} ${tags?.['instance']}`);
      expect(named.toSorted()).toEqual(expected.toSorted());
      expect(new Set(found.map(({ tags }) => tags?.['stack']))).toEqual(new Set([stack.stack]));
      for (const { columns } of found) expect(columns).toEqual(expect.arrayContaining(fields[measurement]!));
    }

    const sold = async () => {
      const [series] = await ask(`SELECT last(sold) FROM stock WHERE product = '${product.id}'`);
      return series?.values[0]?.[1] === 1;
    };
    await until('the sold unit', sold);
    const [stock] = await ask('SELECT * FROM stock LIMIT 1');
    expect(stock?.columns).toEqual(expect.arrayContaining(fields['stock']!));
  });

  test('name routes by their pattern, never by a path', async () => {
    const shopper = await theShop().aShopper();
    await shopper.call('GET', `/api/orders/${crypto.randomUUID()}`);
    const wanted = `SELECT count FROM http WHERE route = '/api/orders/:id' AND method = 'GET' AND status = '404'`;
    await until('the request', async () => (await ask(wanted)).length === 1);
    const [routes] = await ask('SHOW TAG VALUES FROM http WITH KEY = route');
    const known = /^(other|(\/[a-z]+|\/:[a-z]+)+\/?)$/i;
    for (const [, route] of routes!.values) expect(route).toMatch(known);
  });

  test('have the depth of each queue where there are queues', async () => {
    const withQueue = ['inventory', 'order', 'payment', 'reservation'];
    const hasQueues = hasQueuesOn(theShop().stack.stack);
    const whose = async (selection: string) => {
      const series = await ask(`SELECT ${selection} GROUP BY service`);
      return series.map(({ tags }) => tags?.['service']).toSorted();
    };
    // A service tells what it knows: it may not have asked the broker yet.
    await eventually(async () => {
      for (const field of ['queue', 'dead'])
        expect(await whose(`last(${field}) FROM backlog`)).toEqual(hasQueues ? withQueue : []);
      expect(await whose('last(count) FROM dead_letters')).toEqual(hasQueues ? serviceNames.toSorted() : []);
    });
  });

  test('are read by Prometheus at each service, and not through the public listener', async () => {
    const { stack } = theShop();
    for (const { service, port, ofProcess } of instancesIn(stack)) {
      const hasQueue = hasQueuesOn(stack.stack) && service !== 'user';
      // A service tells what it knows: it may not have counted yet.
      await eventually(async () => {
        const text = await pageOf(port);
        const cpu = /^process_cpu_seconds_total\{.*service="(\w+)".*\} \d/m.exec(text);
        expect(cpu?.[1]).toBe(ofProcess);
        expect(text).toMatch(
          new RegExp(`^http_request_duration_seconds_count\\{.*service="${service}".*\\} [1-9]`, 'm'),
        );
        expect(text).toMatch(/^flash_sale_outbox_records\{.*\} \d/m);
        expect(/^flash_sale_queue_messages\{.*\} \d/m.test(text)).toBe(hasQueue);
      });
    }
    for (const path of ['/metrics', '/api/orders/../../metrics', '/api/orders/..%2f..%2fmetrics']) {
      expectProblem(await send<Problem>(stack.url, 'GET', path), 404, 'not-found');
    }
  });

  test('have all that a sweep judges by', async () => {
    const { stack } = theShop().stack;
    for (const { service, instance, port, ofProcess } of instancesIn(theShop().stack)) {
      const queue = hasQueuesOn(stack) && service !== 'user' ? ['queueDepth'] : [];
      const delay = ofProcess === undefined ? [] : ['eventLoopDelayMs'];
      const wanted = [...delay, 'laneWaiting', 'outboxDepth', 'poolWaiting', ...queue].toSorted();
      const told = async () => Object.keys(parseMetrics(await pageOf(port)));
      await until(
        `all figures of ${service} ${instance}`,
        async () => (await told()).toSorted().join() === wanted.join(),
      );
    }
  });

  describe('fill the dashboards:', () => showEveryPanel(theShop, kind));

  test('do not tell a backlog that nobody can count, while its database is away', async () => {
    const { postgres } = theShop().stack;
    const told = async () => parseMetrics(await pageOf(ofTheOrderService()));
    await postgres.stop();
    try {
      await until('no outbox', async () => (await told()).outboxDepth === undefined);
      expect(await told()).toMatchObject({ laneWaiting: 0, poolWaiting: 0 });
    } finally {
      await postgres.start();
    }
    await until('the outbox again', async () => (await told()).outboxDepth !== undefined);
  });

  test('are nobody’s business: InfluxDB may go and come back during the sale', async () => {
    const { stack } = theShop();
    const hasLost = async () =>
      /^flash_sale_collector_lost_points\{.*\} [1-9]/m.test(await pageOf(ofTheOrderService()));
    await stack.influxdb.stop();
    await until('a loss that is counted', hasLost);
    const shopper = await theShop().shopper(1);
    await shopper.aPurchase(await theShop().aProduct());
    await stack.influxdb.start();
    const [before] = await ask('SELECT last(written) FROM collector');
    const goesOn = async () => {
      const [now] = await ask('SELECT last(written) FROM collector');
      return now?.values[0]?.[0] !== before?.values[0]?.[0];
    };
    await until('metrics again', goesOn);
    await until('the loss in them', async () => {
      const [lost] = await ask(`SELECT last(lost) FROM collector WHERE service = 'order' AND instance = '1'`);
      return Number(lost?.values[0]?.[1]) > 0;
    });
  });
});
