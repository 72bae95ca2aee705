import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { newId } from '@flash-sale/shared/ids.ts';
import { stockMarkKey } from '@flash-sale/shared/redis/stock-mark.ts';
import { stockKey } from '@flash-sale/shared/redis/stock-view.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient } from '@flash-sale/shared/testing/service.ts';
import { startTcpProxy, type TcpProxy } from '@flash-sale/shared/testing/tcp-proxy.ts';
import { startShop, type Shop } from '../../../test-kit/in-process/shop.ts';
import { outcomeOf, shopping } from '../../../test-kit/in-process/shopping.ts';

jest.setTimeout(120_000);

let shop: Shop;
let user: ReturnType<typeof shopping>;
/** Of the second instance of the inventory, which handles all events. */
let proxy: TcpProxy;
let instances: [string, string];
let redis: Redis;

beforeAll(async () => {
  // Nothing is healed by the slow round that compares everything.
  const settings = { VIEW_REFRESH_MS: '86400000' };
  shop = await startShop({ services: ['inventory', 'reservation', 'order'], settings });
  proxy = await startTcpProxy(shop.redis.urlOf('inventory'));
  instances = [shop.urlOf('inventory'), await shop.add('inventory', { ...settings, REDIS_URL: proxy.url })];
  user = shopping(shop);
  redis = new Redis(shop.redis.url, { maxRetriesPerRequest: null });
  redis.on('error', () => {});
});
afterAll(async () => {
  redis?.disconnect();
  await shop?.close();
  await proxy?.close();
});

const readyOf = async (url: string) => (await jsonClient(url)<{ checks: object }>('GET', '/readyz')).body.checks;
const pricesOf = (productId: string) =>
  Promise.all(
    instances.map(
      async (url) =>
        (await jsonClient(url)<{ priceCents: number }>('GET', `/api/products/${productId}`)).body.priceCents,
    ),
  );
const believed = () => eventually(async () => expect(await redis.pttl(stockMarkKey)).toBeGreaterThan(0));
const restock = async (url: string, productId: string) => {
  const options = { token: shop.admin.token, body: { quantity: 1 } };
  expect(await jsonClient(url)('POST', `/api/products/${productId}/restock`, options)).toMatchObject({ status: 200 });
};
const reprice = async (url: string, productId: string, priceCents: number) => {
  const options = { token: shop.admin.token, body: { priceCents } };
  expect(await jsonClient(url)('PATCH', `/api/products/${productId}`, options)).toMatchObject({ status: 200 });
};

/** A product whose only unit somebody holds, and whom else asks for one the gate turns away. */
async function aSoldOutProduct() {
  const product = await user.aProduct({ stock: 1 });
  const holder = await user.aHold(product);
  const shopper = shop.aShopper();
  const cartId = await user.aCart(shopper, [product, 1]);
  await eventually(async () => expect(await redis.hget(stockKey(product), 'available')).toBe('0'));
  expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([409, 'sold-out']);
  return { product, holder, buys: async () => outcomeOf(await user.reserve(shopper, cartId)) };
}

/** What Redis has on its disk is what it will come back with. */
const dumpFile = async () => join((await redis.config('GET', 'dir'))[1]!, 'dump.rdb');
const pidOfRedis = async () => Number(/process_id:(\d+)/.exec(await redis.info('server'))![1]);
let pid = 0;

interface Fault {
  what: string;
  /** Before stock changes. */
  begin: () => Promise<unknown>;
  /** After it has changed, and before anybody looks. */
  go?: () => Promise<unknown>;
  /** What the second instance says of Redis meanwhile. */
  says: 'ok' | 'away' | 'read-only';
  end: () => Promise<unknown>;
}
const faults: Fault[] = [
  {
    what: 'Redis is out of memory',
    begin: () => redis.config('SET', 'maxmemory', '1'),
    says: 'read-only',
    end: () => redis.config('SET', 'maxmemory', '0'),
  },
  {
    what: 'Redis is a replica of a server that is away',
    begin: () => redis.replicaof('127.0.0.1', '1'),
    says: 'read-only',
    end: () => redis.replicaof('NO', 'ONE'),
  },
  {
    what: 'Redis lacks the replicas that it must have',
    begin: () => redis.config('SET', 'min-replicas-to-write', '1'),
    says: 'read-only',
    end: () => redis.config('SET', 'min-replicas-to-write', '0'),
  },
  {
    what: 'one process is cut off from Redis',
    begin: () => proxy.cut(),
    says: 'away',
    end: () => proxy.restore(),
  },
  {
    what: 'one process hears nothing from Redis',
    begin: () => Promise.resolve(proxy.stall()),
    says: 'away',
    end: () => proxy.restore(),
  },
  {
    what: 'Redis is frozen',
    begin: async () => process.kill((pid = await pidOfRedis()), 'SIGSTOP'),
    says: 'away',
    end: () => Promise.resolve(process.kill(pid, 'SIGCONT')),
  },
  {
    what: 'Redis was restarted empty',
    begin: () => shop.redis.stop(),
    go: () => shop.redis.start(),
    says: 'ok',
    end: () => Promise.resolve(),
  },
  {
    what: 'Redis was restored from an old dump, with a mark that has no end',
    begin: async () => {
      await redis.set(stockMarkKey, '1');
      await redis.save();
    },
    go: async () => {
      const dump = await dumpFile();
      await shop.redis.stop();
      await shop.redis.start();
      await rm(dump);
    },
    says: 'ok',
    end: () => Promise.resolve(),
  },
];

describe('nobody is told what was true once, and everything is healed afterwards', () => {
  test.each(faults)('when $what', async ({ begin, go, says, end }) => {
    await believed();
    const [cancelled, restocked, sold] = await Promise.all([aSoldOutProduct(), aSoldOutProduct(), aSoldOutProduct()]);
    await begin();
    try {
      await user.cancel(cancelled.holder.shopper, cancelled.holder.reservation.id);
      await restock(instances[1], restocked.product);
      await reprice(instances[1], sold.product, 7_700);
      const fresh = await user.aProduct({ stock: 3 });
      await go?.();
      await eventually(async () => expect(await cancelled.buys()).toEqual([201, 'ok']));
      await eventually(async () => expect(await restocked.buys()).toEqual([201, 'ok']));
      await eventually(async () => expect(await pricesOf(sold.product)).toEqual([7_700, 7_700]));
      await user.aCart(shop.aShopper(), [fresh, 1]);
      await eventually(async () => expect(await readyOf(instances[1])).toMatchObject({ redis: says }));
    } finally {
      await end();
    }
    await believed();
    for (const { product } of [cancelled, restocked, sold]) {
      const [level] = await shop.query<{ version: number }>(
        'inventory',
        'SELECT version::int FROM stock WHERE product_id = $1',
        [product],
      );
      await eventually(async () => expect(await redis.hget(stockKey(product), 'version')).toBe(String(level!.version)));
    }
    await eventually(async () => expect(await readyOf(instances[1])).toMatchObject({ redis: 'ok' }));
    expect(await sold.buys()).toEqual([409, 'sold-out']);
  });
});

describe('a process of the inventory that has died', () => {
  /** What PostgreSQL and Redis look like after it: the commit is there, the level is not. */
  const diesAfterItsCommit = async (productId: string) => {
    const process = newId();
    await shop.query('inventory', 'INSERT INTO publishing_processes VALUES ($1, now())', [process]);
    await shop.query('inventory', 'UPDATE stock SET total = total + 1, version = version + 1 WHERE product_id = $1', [
      productId,
    ]);
    return process;
  };

  test('between its commit and its word to Redis: nobody is refused what there is, and it is forgotten', async () => {
    await believed();
    const { product, buys } = await aSoldOutProduct();
    const process = await diesAfterItsCommit(product);
    await eventually(async () => expect(await buys()).toEqual([201, 'ok']));
    await eventually(async () => {
      const left = await shop.query('inventory', 'SELECT FROM publishing_processes WHERE process = $1', [process]);
      expect(left).toEqual([]);
    });
    await believed();
  });

  test('owing a level: nothing is believed until somebody has written it', async () => {
    await believed();
    const { product, buys } = await aSoldOutProduct();
    const process = await diesAfterItsCommit(product);
    await shop.query('inventory', 'UPDATE publishing_processes SET unwritten_since = now() WHERE process = $1', [
      process,
    ]);
    await eventually(async () => expect(await buys()).toEqual([201, 'ok']));
    await believed();
  });
});

test('PostgreSQL that was restored to an earlier moment is believed, not the Redis that knows its lost future', async () => {
  await believed();
  const product = await user.aProduct({ stock: 5 });
  await redis.hset(stockKey(product), { available: 0, version: 40 });
  // Every process connects anew, and compares everything.
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await eventually(async () => {
    expect(await redis.hmget(stockKey(product), 'available', 'version')).toEqual(['5', '1']);
  });
});

describe('a product whose key was dropped', () => {
  test('is put into carts and bought all the same; one that does not exist is not there', async () => {
    await believed();
    const product = await user.aProduct({ stock: 1 });
    await redis.del(stockKey(product));
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 1]);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([201, 'ok']);
    const other = await user.aCart(shopper);
    await eventually(async () =>
      expect(outcomeOf(await user.addToCart(shopper, other, newId()))).toEqual([404, 'not-found']),
    );
  });
});
