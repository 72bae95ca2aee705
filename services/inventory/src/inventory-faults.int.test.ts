import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { product as productSchema, productPage } from '@flash-sale/contract/api/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import type { z } from 'zod';
import { aRequest } from './testing/builders.ts';
import { startInventory, startServers, type RunningInventory, type Servers } from './testing/running.ts';

type Product = z.output<typeof productSchema>;
type Page = z.output<typeof productPage>;

let servers: Servers;
let inventory: RunningInventory;
let admin: string;

beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.close());
beforeEach(async () => {
  // Else the marks of the test before would tell that this service has done its work.
  await inRedis((_views, redis) => redis.flushall());
  inventory = await startInventory(servers, { HOLD_TTL_MS: '60000' });
  admin = inventory.tokenOf('admin');
});
afterEach(async () => {
  await servers.databaseProxy.restore();
  await inventory.stop();
  await servers.rows('TRUNCATE products, stock, holds, buyer_units, publishing_processes, inbox, outbox');
});

const create = async (stock = 10): Promise<string> => {
  const body = { name: 'Comet sneakers', priceCents: 4_900, currency: 'EUR', stock, limitPerUser: 5 };
  const answer = await inventory.call<Product>('POST', '/api/products', { body, token: admin });
  expect(answer.status).toBe(201);
  return answer.body.id;
};
const reserve = async (productId: string, quantity: number) => {
  const data = aRequest([{ productId, quantity }]);
  const { failures } = await inventory.receive(anEvent('reservation.requested', data));
  expect(failures).toEqual([]);
  return data;
};
const listed = async () => (await inventory.call<Page>('GET', '/api/products')).body.items;
const availableOf = async (id: string) => (await inventory.call<Product>('GET', `/api/products/${id}`)).body.available;
/** What Redis says, asked from outside the service. */
async function inRedis<T>(look: (views: StockViews, redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(servers.redis.url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  await redis.connect();
  try {
    return await look(new StockViews(redis), redis);
  } finally {
    redis.disconnect();
  }
}

describe('Redis', () => {
  test('knows every level soon after the start, and each change at once', async () => {
    const id = await create();
    await eventually(() => inRedis(async (views) => expect(await views.areBelieved()).toBe(true)));
    await reserve(id, 4);
    await eventually(() =>
      inRedis(async (views) => expect(await views.read(id)).toEqual({ available: 6, version: 2, revision: 1 })),
    );
  });

  test('when it is away, the shop window shows the levels of PostgreSQL, and stock is still given out', async () => {
    const id = await create();
    await servers.redis.stop();
    try {
      await reserve(id, 3);
      expect(await listed()).toMatchObject([{ id, available: 7 }]);
      expect(await availableOf(id)).toBe(7);
      const restocked = await inventory.call('POST', `/api/products/${id}/restock`, {
        body: { quantity: 1 },
        token: admin,
      });
      expect(restocked).toMatchObject({ status: 200, body: { available: 8 } });
      expect(await availableOf(id)).toBe(8);
      await eventually(async () => {
        const ready = await inventory.call('GET', '/readyz');
        expect(ready).toMatchObject({ status: 200, body: { checks: { redis: 'away' } } });
      });
    } finally {
      await servers.redis.start();
    }
  });

  test.each([
    ['and stock was given out meanwhile', true],
    ['and nothing has happened', false],
  ])(
    'when it comes back empty %s, it is filled with what is left, not with what there once was',
    async (_what, meanwhile) => {
      const [first, second] = [await create(10), await create(20)];
      await reserve(first, 4);
      await eventually(() => inRedis(async (views) => expect(await views.areBelieved()).toBe(true)));
      if (!meanwhile) await reserve(second, 5);
      await servers.redis.stop();
      if (meanwhile) await reserve(second, 5);
      await servers.redis.start();
      await eventually(() =>
        inRedis(async (views) => {
          expect(await views.areBelieved()).toBe(true);
          expect(await views.read(first)).toEqual({ available: 6, version: 2, revision: 1 });
          expect(await views.read(second)).toEqual({ available: 15, version: 2, revision: 1 });
        }),
      );
    },
  );

  test('when its data is lost without a restart, it is filled again by the next round', async () => {
    await inventory.stop();
    inventory = await startInventory(servers, { VIEW_REFRESH_MS: '500' });
    const id = await create();
    await reserve(id, 1);
    await eventually(() => inRedis(async (views) => expect(await views.areBelieved()).toBe(true)));
    await inRedis((_views, redis) => redis.flushall());
    expect(await availableOf(id)).toBe(9);
    await eventually(() =>
      inRedis(async (views) => {
        expect(await views.areBelieved()).toBe(true);
        expect(await views.read(id)).toEqual({ available: 9, version: 2, revision: 1 });
      }),
    );
  });

  test('a service may start without it', async () => {
    const id = await create();
    await inventory.stop();
    await servers.redis.stop();
    try {
      inventory = await startInventory(servers);
      expect(await availableOf(id)).toBe(10);
    } finally {
      await servers.redis.start();
    }
    await eventually(() => inRedis(async (views) => expect((await views.read(id))?.available).toBe(10)));
  });
});

describe('PostgreSQL', () => {
  const unavailable = {
    status: 503,
    body: { type: '/problems/unavailable', status: 503 },
  };

  test.each([
    ['out of reach', () => servers.databaseProxy.cut()],
    ['silent', () => Promise.resolve(servers.databaseProxy.stall())],
  ])('%s: 503 with Retry-After, and nothing is done by halves; back again, so is the service', async (_how, away) => {
    const id = await create();
    expect(await availableOf(id)).toBe(10);
    await away();

    const body = { quantity: 5 };
    const [list, restock, strange] = await Promise.all([
      inventory.call('GET', '/api/products'),
      inventory.call('POST', `/api/products/${id}/restock`, { body, token: admin }),
      inventory.call('GET', `/api/products/${newId()}`),
    ]);
    for (const answer of [list, restock, strange]) {
      expect(answer).toMatchObject(unavailable);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(JSON.stringify(answer.body)).not.toMatch(/postgres|ECONN|pg_|stack/i);
    }
    const event = anEvent('reservation.requested', aRequest([{ productId: id, quantity: 1 }]));
    expect((await inventory.receive(event)).failures).toMatchObject([{ eventId: event.id, kind: 'unreachable' }]);
    expect(await inventory.call('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { checks: { database: 'away' } },
    });
    expect((await inventory.call('GET', '/healthz')).status).toBe(200);

    await servers.databaseProxy.restore();
    await eventually(async () => expect((await inventory.call('GET', '/readyz')).status).toBe(200));
    await eventually(async () => {
      const again = await inventory.call('POST', `/api/products/${id}/restock`, { body, token: admin });
      expect(again).toMatchObject({ status: 200, body: { available: 15 } });
    });
    expect((await inventory.receive(event)).failures).toEqual([]);
    await eventually(async () => expect(await availableOf(id)).toBe(14));
  });

  test('a product that is known is shown from Redis meanwhile', async () => {
    const id = await create();
    await eventually(() => inRedis(async (views) => expect((await views.read(id))?.available).toBe(10)));
    expect(await availableOf(id)).toBe(10);
    await servers.databaseProxy.cut();
    expect(await availableOf(id)).toBe(10);
  });

  test('a service that cannot reach it at its start says so and leaves nothing open', async () => {
    const wrong = new URL(servers.database.ownerUrl);
    wrong.port = '9';
    await expect(startInventory(servers, { MIGRATION_DATABASE_URL: wrong.href })).rejects.toThrow();
  });
});

describe('holds past their deadline', () => {
  const pass = () => servers.rows(`UPDATE holds SET expires_at = now() - interval '1 second'`);

  test('are released by the sweep, once, and everybody is told', async () => {
    const id = await create();
    const data = await reserve(id, 3);
    await eventually(async () => expect(await availableOf(id)).toBe(7));
    await pass();
    await eventually(async () => expect(await availableOf(id)).toBe(10));
    const released = () => inventory.order.handled.filter(({ type }) => type === 'stock.released');
    await eventually(() =>
      expect(released()).toMatchObject([
        { data: { reservationId: data.reservationId, orderId: data.orderId, userId: data.userId, reason: 'expired' } },
      ]),
    );
    expect(await servers.rows('SELECT total, held, sold FROM stock')).toEqual([{ total: 10, held: 0, sold: 0 }]);
    expect(await servers.rows('SELECT units FROM buyer_units')).toEqual([{ units: 0 }]);
  });

  test('are not released once they are paid', async () => {
    const id = await create();
    const data = await reserve(id, 3);
    await inventory.receive(anEvent('order.paid', { ...data }));
    // Another one is released meanwhile, so the sweep has looked.
    await reserve(id, 2);
    await pass();
    await eventually(async () => expect(await servers.rows('SELECT held FROM stock')).toEqual([{ held: 0 }]));
    expect(await servers.rows('SELECT total, held, sold FROM stock')).toEqual([{ total: 10, held: 0, sold: 3 }]);
  });

  test('are released after a restart, too, however long that took', async () => {
    const id = await create();
    await reserve(id, 3);
    await inventory.stop();
    await pass();
    expect(await servers.rows('SELECT held FROM stock')).toEqual([{ held: 3 }]);
    inventory = await startInventory(servers);
    await eventually(async () => expect(await availableOf(id)).toBe(10));
  });

  test('are swept by two instances at once without harm', async () => {
    const other = await startInventory(servers);
    try {
      const id = await create(40);
      await Promise.all(Array.from({ length: 40 }, () => reserve(id, 1)));
      await pass();
      await eventually(async () => expect(await servers.rows('SELECT held FROM stock')).toEqual([{ held: 0 }]));
      await eventually(async () => expect(await servers.rows('SELECT FROM outbox')).toEqual([]));
      const told = [inventory, other].flatMap(({ order }) =>
        order.received.filter(({ type }) => type === 'stock.released').map(({ id: eventId }) => eventId),
      );
      expect(new Set(told).size).toBe(40);
    } finally {
      await other.stop();
    }
  });
});

describe('stopping', () => {
  test('finishes what is under way, and answers it', async () => {
    const id = await create();
    const answers = Array.from({ length: 20 }, () =>
      inventory.call('POST', `/api/products/${id}/restock`, { body: { quantity: 1 }, token: admin }),
    );
    await new Promise((resolve) => setTimeout(resolve, 15));
    await inventory.stop();
    const statuses = await Promise.allSettled(answers);
    const done = statuses.filter((answer) => answer.status === 'fulfilled' && answer.value.status === 200).length;
    expect(await servers.rows('SELECT total FROM stock')).toEqual([{ total: 10 + done }]);
    await expect(inventory.call('GET', '/healthz')).rejects.toThrow();
  });

  test('does not wait for a database that does not answer longer than it may', async () => {
    await inventory.stop();
    inventory = await startInventory(servers, { DRAIN_TIMEOUT_MS: '500', STATEMENT_TIMEOUT_MS: '20000' });
    const id = await create();
    servers.databaseProxy.stall();
    const stuck = inventory.receive(anEvent('reservation.requested', aRequest([{ productId: id, quantity: 1 }])));
    const startedAt = performance.now();
    await inventory.stop();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await stuck).failures).toMatchObject([{ kind: 'unreachable' }]);
  });

  test('leaves nobody waiting for its word about its levels', async () => {
    const processes = () => servers.rows('SELECT process FROM publishing_processes');
    await create();
    expect(await processes()).toHaveLength(1);
    await inventory.stop();
    expect(await processes()).toEqual([]);
  });

  test('leaves no connection open', async () => {
    await create();
    await inventory.stop();
    const user = new URL(servers.database.url).username;
    await eventually(async () =>
      expect(await servers.rows('SELECT FROM pg_stat_activity WHERE usename = $1', [user])).toEqual([]),
    );
  });
});
