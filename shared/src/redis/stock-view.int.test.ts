import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { newId } from '../ids.ts';
import { eventually } from '../testing/eventually.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { connectRedis } from './connection.ts';
import { StockViews, stockKey } from './stock-view.ts';

let server: TestRedis;
let proxy: TcpProxy;
let redis: Redis;
let views: StockViews;

beforeAll(async () => {
  server = await createTestRedis();
  proxy = await startTcpProxy(server.url);
});
afterAll(async () => {
  await proxy.close();
  await server.close();
});
beforeEach(async () => {
  await proxy.restore();
  redis = connectRedis(proxy.url, pino({ level: 'silent' }));
  views = new StockViews(redis);
  await ready();
  await redis.flushall();
});
afterEach(() => redis.disconnect());
const ready = () => eventually(() => expect(redis.status).toBe('ready'));

describe('a level', () => {
  test('is read as it was written', async () => {
    const productId = newId();
    await views.write([{ productId, available: 7, version: 3, revision: 1 }]);
    expect(await views.read(productId)).toEqual({ available: 7, version: 3, revision: 1 });
  });

  test('of none is a level, not an absence', async () => {
    const productId = newId();
    await views.write([{ productId, available: 0, version: 9, revision: 1 }]);
    expect(await views.read(productId)).toEqual({ available: 0, version: 9, revision: 1 });
  });

  test('written before products had revisions is of the first', async () => {
    const productId = newId();
    await redis.hset(stockKey(productId), { available: 7, version: 3 });
    expect(await views.read(productId)).toEqual({ available: 7, version: 3, revision: 1 });
  });

  test('that was never written is unknown', async () => {
    expect(await views.read(newId())).toBeUndefined();
  });

  test('is not overwritten by an older one, nor by another of the same version', async () => {
    const productId = newId();
    await views.write([{ productId, available: 5, version: 10, revision: 1 }]);
    // As text "9" comes after "10"; as numbers it does not.
    await views.write([{ productId, available: 6, version: 9, revision: 1 }]);
    await views.write([{ productId, available: 4, version: 10, revision: 1 }]);
    expect(await views.read(productId)).toEqual({ available: 5, version: 10, revision: 1 });
    await views.write([{ productId, available: 3, version: 11, revision: 1 }]);
    expect(await views.read(productId)).toEqual({ available: 3, version: 11, revision: 1 });
  });

  test('whoever writes in whatever order, the newest remains', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(
          Array.from({ length: 30 }, (_, n) => n + 1),
          { minLength: 1 },
        ),
        async (order) => {
          const productId = newId();
          await Promise.all(
            order.map((version) => views.write([{ productId, available: 100 - version, version, revision: 1 }])),
          );
          const newest = Math.max(...order);
          expect(await views.read(productId)).toEqual({ available: 100 - newest, version: newest, revision: 1 });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('of very many units and versions is exact', async () => {
    const productId = newId();
    await views.write([{ productId, available: 1_000_000_000, version: 2 ** 53 - 2, revision: 1 }]);
    await views.write([{ productId, available: 999_999_999, version: 2 ** 53 - 1, revision: 1 }]);
    await views.write([{ productId, available: 1, version: 2 ** 53 - 2, revision: 1 }]);
    expect(await views.read(productId)).toEqual({ available: 999_999_999, version: 2 ** 53 - 1, revision: 1 });
  });

  test('many are read at once, each for its own product', async () => {
    const levels = Array.from({ length: 700 }, (_, n) => ({
      productId: newId(),
      available: n,
      version: n + 1,
      revision: 1,
    }));
    await views.write(levels);
    const asked = [...levels, ...levels.toReversed()];
    const answers = await Promise.all(asked.map(({ productId }) => views.read(productId)));
    expect(answers).toEqual(asked.map(({ productId: _, ...view }) => view));
  });

  test('of which only a half is there is unknown', async () => {
    const productId = newId();
    await redis.hset(`stock:{${productId}}`, 'available', '5');
    expect(await views.read(productId)).toBeUndefined();
  });

  test('in whose place something else stands is unknown, and its neighbours are not', async () => {
    const [strange, fine] = [newId(), newId()];
    await redis.set(`stock:{${strange}}`, 'text');
    await views.write([{ productId: fine, available: 2, version: 1, revision: 1 }]);
    expect(await Promise.all([views.read(strange), views.read(fine)])).toEqual([
      undefined,
      { available: 2, version: 1, revision: 1 },
    ]);
  });
});

describe('the mark of completeness', () => {
  test('is there once it is set, and gone with the data', async () => {
    expect(await views.isComplete()).toBe(false);
    await views.markComplete();
    expect(await views.isComplete()).toBe(true);
    await redis.flushall();
    expect(await views.isComplete()).toBe(false);
  });
});

describe('Redis away', () => {
  test.each([
    ['out of reach', () => proxy.cut()],
    ['silent', () => Promise.resolve(proxy.stall())],
  ])('%s: nothing is known, soon; a write fails; it goes on when Redis is back', async (_how, away) => {
    const productId = newId();
    await views.write([{ productId, available: 7, version: 1, revision: 1 }]);
    await views.markComplete();
    await away();

    const startedAt = performance.now();
    const answers = await Promise.all([views.read(productId), views.read(newId()), views.isComplete()]);
    expect(answers).toEqual([undefined, undefined, false]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await expect(views.write([{ productId, available: 6, version: 2, revision: 1 }])).rejects.toThrow();

    await proxy.restore();
    await eventually(async () => expect(await views.read(productId)).toMatchObject({ version: 1 }));
    await views.write([{ productId, available: 6, version: 2, revision: 1 }]);
    expect(await views.read(productId)).toEqual({ available: 6, version: 2, revision: 1 });
  });

  test('one that was restarted knows nothing, but scripts and reads work at once', async () => {
    const productId = newId();
    await views.write([{ productId, available: 7, version: 5, revision: 1 }]);
    await server.stop();
    await server.start();
    await ready();
    await eventually(async () => {
      await views.write([{ productId, available: 6, version: 2, revision: 1 }]);
      expect(await views.read(productId)).toEqual({ available: 6, version: 2, revision: 1 });
    });
  });
});
