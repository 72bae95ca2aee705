import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { stockKey } from '@flash-sale/shared/redis/stock-view.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { deadLettersExchange } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { forDeadLetters } from '../dlq/dead-letters.ts';
import { databases, type DatabaseName } from '../launcher/database-names.ts';
import type { DatabaseUrls } from '../launcher/databases.ts';
import { createTestVhost, type TestVhost } from '../testing/rabbitmq.ts';
import { createTestRedis, type TestRedis } from '../testing/redis.ts';
import { startTestPostgres, type TestServer } from '../testing/servers.ts';
import { runAudit, type AuditOptions, type AuditReport } from './audit.ts';
import {
  id,
  orderOf,
  loadFixture,
  payments,
  products,
  provisionDatabases,
  reservations,
  run,
  shoppers,
} from './testing/fixture.ts';

// A server of its own: the audit looks for a moment at which nobody on the whole server writes.
let server: TestServer;
let redisServer: TestRedis;
let redis: Redis;
let urls: Record<DatabaseName, DatabaseUrls>;

beforeAll(async () => {
  [server, redisServer] = await Promise.all([startTestPostgres(), createTestRedis()]);
  redis = new Redis(redisServer.url);
  urls = await provisionDatabases(server.url);
});
afterAll(async () => {
  redis?.disconnect();
  await Promise.all([server?.close(), redisServer?.close()]);
});
beforeEach(async () => {
  await loadFixture(urls);
  await redis.hset(stockKey(products.limited), { available: 7, version: 7 });
  await redis.hset(stockKey(products.free), { available: 5, version: 1 });
});

function theStack(): AuditOptions['stack'] {
  const entries = databases.map((name) => [name, urls[name].auditor]);
  const databaseUrls = Object.fromEntries(entries) as Record<DatabaseName, string>;
  return { stack: 'sync', databaseUrls, redisUrl: redisServer.url };
}
const audit = (options: Partial<AuditOptions> = {}): Promise<AuditReport> =>
  runAudit({ stack: theStack(), quietWithinMs: 300, redisPatienceMs: 300, ...options });
const change = (database: DatabaseName, sql: string) => run(urls, database, sql);
const event = (attempts: number, nextAttempt: string) =>
  `INSERT INTO outbox VALUES ('${id('f1')}', '[]', now() ${nextAttempt}, ${attempts})`;

describe('the audit of a correct fixture', () => {
  test('passes, and has looked at everything', async () => {
    const report = await audit();
    expect(report).toMatchObject({ verdict: 'passed', found: [] });
    expect(new Set(report.checks.map(({ invariant }) => invariant))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
    // A check that counts nothing proves nothing.
    expect(report.checks.filter(({ counted }) => counted === 0)).toEqual([]);
  });

  test('passes more than one page of rows', async () => {
    const n = 12_000;
    const many = (from: string) => `FROM (SELECT i, md5('${from}' || i)::uuid AS id FROM generate_series(1, ${n}) i) s`;
    const order = "md5('order' || i)::uuid";
    await change(
      'reservation',
      `INSERT INTO reservations (id, order_id, user_id, cart_id, idempotency_key, status, items)
      SELECT id, ${order}, '${shoppers.bob}', id, id, 'released', '[]' ${many('r')}`,
    );
    await change(
      'inventory',
      `INSERT INTO holds SELECT id, ${order}, '${shoppers.bob}', 'released', '[]', now() ${many('r')}`,
    );
    await change(
      'order',
      `INSERT INTO orders (id, reservation_id, user_id, status)
      SELECT ${order}, id, '${shoppers.bob}', 'cancelled' ${many('r')}`,
    );
    const report = await audit();
    expect(report).toMatchObject({ verdict: 'passed' });
    expect(Math.max(...report.checks.map(({ counted }) => counted))).toBe(n + Object.keys(reservations).length);
  });
});

interface Break {
  invariant: number;
  what: string;
  database: DatabaseName;
  sql: string;
  /** What the report has to name. */
  names: string;
}
const at = (name: keyof typeof reservations) => `WHERE id = '${reservations[name]}'`;
const orderAt = (name: keyof typeof reservations) => `WHERE id = '${orderOf(reservations[name])}'`;
const paymentAt = (name: keyof typeof payments) => `WHERE id = '${payments[name]}'`;
const entryAt = (name: keyof typeof payments) => `WHERE payment_id = '${payments[name]}'`;

const breaks: Break[] = [
  {
    invariant: 1,
    what: 'more units are held and sold than there are',
    database: 'inventory',
    sql: `ALTER TABLE stock DROP CONSTRAINT IF EXISTS never_oversold; UPDATE stock SET total = 2 WHERE product_id = '${products.limited}'`,
    names: products.limited,
  },
  {
    invariant: 2,
    what: 'stock counts a sold unit too many',
    database: 'inventory',
    sql: `UPDATE stock SET sold = sold + 1 WHERE product_id = '${products.limited}'`,
    names: products.limited,
  },
  {
    invariant: 2,
    what: 'a held unit was never given back',
    database: 'inventory',
    sql: `UPDATE stock SET held = held + 1 WHERE product_id = '${products.free}'`,
    names: products.free,
  },
  {
    invariant: 2,
    what: 'a confirmed order has more units than were sold for it',
    database: 'order',
    sql: `UPDATE orders SET items = jsonb_set(items, '{0,quantity}', '3') ${orderAt('completed')}`,
    names: products.limited,
  },
  {
    invariant: 3,
    what: 'two payments of an order are captured',
    database: 'payment',
    sql: `DROP INDEX IF EXISTS one_capture_per_order;
          UPDATE payments SET status = 'captured', order_id = '${orderOf(reservations.completed)}' ${paymentAt('declined')}`,
    names: payments.declined,
  },
  {
    invariant: 3,
    what: 'the gateway has charged an order twice',
    database: 'gateway',
    sql: `INSERT INTO ledger VALUES ('${id('d9')}', '${orderOf(reservations.completed)}', 1000, 'EUR', 'captured')`,
    names: id('d9'),
  },
  {
    invariant: 3,
    what: 'the gateway has charged what nobody knows of',
    database: 'gateway',
    sql: `INSERT INTO ledger VALUES ('${id('d9')}', '${orderOf(reservations.held)}', 500, 'EUR', 'captured')`,
    names: id('d9'),
  },
  {
    invariant: 3,
    what: 'the gateway took another amount',
    database: 'gateway',
    sql: `UPDATE ledger SET amount_cents = 1001 ${entryAt('captured')}`,
    names: payments.captured,
  },
  {
    invariant: 3,
    what: 'the gateway has not sent the money back',
    database: 'gateway',
    sql: `UPDATE ledger SET refunded_at = NULL ${entryAt('refunded')}`,
    names: payments.refunded,
  },
  {
    invariant: 3,
    what: 'the gateway has charged a declined payment',
    database: 'gateway',
    sql: `UPDATE ledger SET outcome = 'captured' ${entryAt('declined')}`,
    names: payments.declined,
  },
  {
    invariant: 3,
    what: 'the gateway has lost a payment',
    database: 'gateway',
    sql: `DELETE FROM ledger ${entryAt('captured')}`,
    names: payments.captured,
  },
  {
    invariant: 3,
    what: 'a confirmed order costs something else than was paid',
    database: 'order',
    sql: `UPDATE orders SET total_cents = 999 ${orderAt('completed')}`,
    names: orderOf(reservations.completed),
  },
  {
    invariant: 3,
    what: 'a charged order is cancelled and not refunded',
    database: 'payment',
    sql: `UPDATE payments SET status = 'captured' ${paymentAt('refunded')}`,
    names: payments.refunded,
  },
  {
    invariant: 4,
    what: 'a reservation is pending for ever',
    database: 'reservation',
    sql: `UPDATE reservations SET status = 'pending' ${at('rejected')}`,
    names: reservations.rejected,
  },
  {
    invariant: 4,
    what: 'a payment is pending for ever',
    database: 'payment',
    sql: `UPDATE payments SET status = 'pending' ${paymentAt('declined')}`,
    names: payments.declined,
  },
  {
    invariant: 4,
    what: 'a paid order is never confirmed',
    database: 'order',
    sql: `UPDATE orders SET status = 'paid' ${orderAt('held')}`,
    names: orderOf(reservations.held),
  },
  {
    invariant: 4,
    what: 'a reservation thinks that it is held, and its hold was released',
    database: 'reservation',
    sql: `UPDATE reservations SET status = 'held' ${at('cancelled')}`,
    names: reservations.cancelled,
  },
  {
    invariant: 4,
    what: 'a reservation is rejected, and its units are held',
    database: 'reservation',
    sql: `UPDATE reservations SET status = 'rejected' ${at('held')}`,
    names: reservations.held,
  },
  {
    invariant: 4,
    what: 'a reservation has vanished',
    database: 'reservation',
    sql: `DELETE FROM reservations ${at('held')}`,
    names: reservations.held,
  },
  {
    invariant: 4,
    what: 'a hold is of other units than its reservation',
    database: 'reservation',
    sql: `UPDATE reservations SET items = jsonb_set(items, '{0,quantity}', '2') ${at('held')}`,
    names: reservations.held,
  },
  {
    invariant: 4,
    what: 'a held reservation has no order',
    database: 'order',
    sql: `DELETE FROM orders ${orderAt('held')}`,
    names: orderOf(reservations.held),
  },
  {
    invariant: 5,
    what: 'a shopper has more than is allowed',
    database: 'inventory',
    sql: 'UPDATE products SET limit_per_user = 1 WHERE limit_per_user = 2',
    names: shoppers.ann,
  },
  {
    invariant: 5,
    what: 'buyer_units does not count a unit',
    database: 'inventory',
    sql: `UPDATE buyer_units SET units = 0 WHERE user_id = '${shoppers.bob}'`,
    names: shoppers.bob,
  },
  {
    invariant: 6,
    what: 'an event was given up',
    database: 'payment',
    sql: event(50, "- interval '1 second'"),
    names: id('f1'),
  },
  {
    invariant: 6,
    what: 'an event was given up, and is tried again in five minutes all the same',
    database: 'order',
    sql: event(73, "+ interval '5 minutes'"),
    names: id('f1'),
  },
];

test('the audit knows after how many tries its stack gives up', async () => {
  await change('order', event(7, "+ interval '5 minutes'"));
  expect(await audit()).toMatchObject({ verdict: 'undecided' });
  expect(await audit({ stack: { ...theStack(), outboxMaxAttempts: 7 } })).toMatchObject({
    verdict: 'failed',
    found: [expect.stringContaining(id('f1'))],
  });
});

describe('the audit cannot tell', () => {
  test.each([
    ['an event that is not delivered', 'order', event(3, "+ interval '1 hour'"), /outbox of order/],
    [
      'a payment that waits for its order',
      'payment',
      `UPDATE payments SET status = 'pending' ${paymentAt('neverAsked')}`,
      /payments that wait for their order: 1/,
    ],
  ] as const)('while there is %s', async (_what, database, sql, reason) => {
    await change(database, sql);
    expect(await audit()).toMatchObject({ verdict: 'undecided', found: [expect.stringMatching(reason)] });
  });

  test('what is pending in an async stack, unless it can look into the broker', async () => {
    await change('reservation', `UPDATE reservations SET status = 'pending' ${at('rejected')}`);
    const stack = { ...theStack(), stack: 'async' as const };
    expect(await audit({ stack })).toMatchObject({ verdict: 'undecided' });
    expect(await audit({ stack, messagesUnderWay: () => Promise.resolve([['order', 1]]) })).toMatchObject({
      verdict: 'undecided',
    });
    expect(await audit({ stack, messagesUnderWay: () => Promise.resolve([['order', 0]]) })).toMatchObject({
      verdict: 'failed',
    });
  });

  test('without Redis', async () => {
    const stack = { ...theStack(), redisUrl: 'redis://127.0.0.1:9' };
    expect(await audit({ stack })).toMatchObject({ verdict: 'undecided', found: [expect.stringMatching(/Redis/)] });
  });

  test('without PostgreSQL', async () => {
    const nobody = Object.fromEntries(databases.map((name) => [name, 'postgres://nobody@127.0.0.1:9/none']));
    const stack = { ...theStack(), databaseUrls: nobody as Record<DatabaseName, string> };
    expect(await audit({ stack })).toMatchObject({ verdict: 'undecided', checks: [] });
  });
});

describe('the audit names what is broken', () => {
  test.each(breaks)('$invariant: $what', async ({ invariant, database, sql, names }) => {
    await change(database, sql);
    const report = await audit();
    expect(report.verdict).toBe('failed');
    expect(report.checks.at(-1)).toMatchObject({ invariant, ok: false });
    expect(report.checks.slice(0, -1).filter(({ ok }) => !ok)).toEqual([]);
    expect(report.found.join('\n')).toContain(names);
  });

  test.each([
    ['has an older version', { available: 8, version: 6 }],
    ['has a newer version than PostgreSQL ever had', { available: 6, version: 8 }],
    ['has another level', { available: 6 }],
  ])('6: Redis %s', async (_what, level) => {
    await redis.hset(stockKey(products.limited), level);
    const report = await audit();
    expect(report).toMatchObject({ verdict: 'failed', found: [expect.stringContaining(products.limited)] });
    expect(report.checks.at(-1)).toMatchObject({ invariant: 6, ok: false });
  });

  test('6: Redis does not know a product', async () => {
    await redis.del(stockKey(products.free));
    expect(await audit()).toMatchObject({ verdict: 'failed', found: [expect.stringContaining(products.free)] });
  });
});

describe('the audit of an async stack', () => {
  let vhost: TestVhost;
  beforeAll(async () => {
    vhost = await createTestVhost();
  });
  afterAll(() => vhost?.drop());

  const auditAsync = (options: Partial<AuditOptions> = {}) =>
    audit({ stack: { ...theStack(), stack: 'async', amqpUrl: vhost.url }, ...options });
  const putAside = (service: string) =>
    withChannel(vhost.url, async (channel) => {
      channel.publish(deadLettersExchange, service, Buffer.from('what nobody could handle'), { persistent: true });
      await channel.waitForConfirms();
    });
  const drop = () => forDeadLetters(vhost.url, {}, 'drop');

  test('finds dead letters, and passes when they are dropped', async () => {
    expect(await auditAsync()).toMatchObject({ verdict: 'passed' });
    for (const service of ['order', 'order', 'payment']) await putAside(service);
    const report = await auditAsync();
    expect(report).toMatchObject({
      verdict: 'failed',
      found: [
        expect.stringMatching(/^dead letters of order: 2; see npm run dlq -- list/),
        expect.stringMatching(/^dead letters of payment: 1; /),
      ],
    });
    expect(report.checks.at(-1)).toMatchObject({ invariant: 6, ok: false, counted: 4 });
    await drop();
    expect(await auditAsync()).toMatchObject({ verdict: 'passed' });
  });

  test.each(['order', 'order.batches', 'retry.30s'])(
    'waits for what lies in %s, and does not judge before it has arrived',
    async (queue) => {
      await change('reservation', `UPDATE reservations SET status = 'pending' ${at('rejected')}`);
      await withChannel(vhost.url, async (channel) => {
        channel.sendToQueue(queue, Buffer.from('an event'), { persistent: true });
        await channel.waitForConfirms();
      });
      expect(await auditAsync({ quietWithinMs: 1_000 })).toMatchObject({
        verdict: 'undecided',
        found: [expect.stringContaining(`messages in the broker: 1 (${queue}: 1)`)],
      });
      await withChannel(vhost.url, (channel) => channel.purgeQueue(queue));
      // Time enough for a second look: one alone is not judged where messages may be on their way into a service.
      expect(await auditAsync({ quietWithinMs: 4_000 })).toMatchObject({ verdict: 'failed' });
    },
  );

  test.each([
    ['nothing is under way any more', 'DELETE FROM outbox', 10_000],
    ['it can wait no longer', 'SELECT 1', 1_000],
  ])('finds what is put aside while it waits, when %s', async (_when, sql, quietWithinMs) => {
    await change('order', event(0, ''));
    const waits = Promise.withResolvers<string>();
    const report = auditAsync({ quietWithinMs, onWait: waits.resolve });
    await waits.promise;
    await putAside('inventory');
    await change('order', sql);
    expect(await report).toMatchObject({ verdict: 'failed', found: [expect.stringContaining('inventory: 1')] });
    await drop();
  });

  test('cannot tell without RabbitMQ', async () => {
    const stack = { ...theStack(), stack: 'async' as const, amqpUrl: 'amqp://127.0.0.1:9' };
    expect(await audit({ stack })).toMatchObject({
      verdict: 'undecided',
      found: [expect.stringMatching(/RabbitMQ.*ECONNREFUSED/)],
    });
  });
});

describe('the audit waits', () => {
  test('until outboxes are empty', async () => {
    await change('order', event(0, ''));
    const waits: string[] = [];
    const report = audit({ quietWithinMs: 10_000, onWait: (what) => waits.push(what) });
    while (waits.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await change('order', 'DELETE FROM outbox');
    expect(await report).toMatchObject({ verdict: 'passed' });
    expect(waits).toEqual(['events in the outbox of order: 1']);
  });

  test('until Redis has caught up', async () => {
    await redis.hset(stockKey(products.limited), { available: 8, version: 6 });
    const report = audit({ redisPatienceMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    await redis.hset(stockKey(products.limited), { available: 7, version: 7 });
    expect(await report).toMatchObject({ verdict: 'passed' });
  });

  test.each([
    ['and all has come to rest', 'DELETE FROM outbox', 10_000],
    ['and it can wait no longer', 'SELECT 1', 1_000],
  ])('and finds what was broken meanwhile, %s', async (_when, sql, quietWithinMs) => {
    await change('order', event(0, ''));
    const waits = Promise.withResolvers<string>();
    const report = audit({ quietWithinMs, onWait: waits.resolve });
    await waits.promise;
    await change('inventory', `UPDATE stock SET sold = sold + 1 WHERE product_id = '${products.limited}'`);
    await change('order', sql);
    expect(await report).toMatchObject({ verdict: 'failed', found: [expect.stringContaining(products.limited)] });
    expect((await report).checks.at(-1)).toMatchObject({ invariant: 2, ok: false });
  });

  test('but not for what is wrong at every moment', async () => {
    await change('order', event(0, ''));
    await change('inventory', 'UPDATE stock SET sold = sold + 1');
    expect(await audit({ quietWithinMs: 60_000 })).toMatchObject({ verdict: 'failed' });
  });
});
