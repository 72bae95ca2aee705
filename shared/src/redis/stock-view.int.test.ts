import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { newId } from '../ids.ts';
import { eventually } from '../testing/eventually.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { connectRedis, stateOfRedis } from './connection.ts';
import { StockMark, stockMarkKey, stockMarkLifeMs } from './stock-mark.ts';
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
/** Says that all levels are as they should be, as of now. */
const vouch = async () => {
  const mark = new StockMark(redis);
  expect(await mark.renew((await mark.now()) + stockMarkLifeMs, true)).toBe('renewed');
};
const readVouchedFor = async (productId: string) => {
  await vouch();
  return views.read(productId);
};
const ready = () => eventually(() => expect(redis.status).toBe('ready'));

describe('a level', () => {
  test('is read as it was written', async () => {
    const productId = newId();
    await views.write([{ productId, available: 7, version: 3, revision: 1 }]);
    expect(await readVouchedFor(productId)).toEqual({ available: 7, version: 3, revision: 1 });
  });

  test('of none is a level, not an absence', async () => {
    const productId = newId();
    await views.write([{ productId, available: 0, version: 9, revision: 1 }]);
    expect(await readVouchedFor(productId)).toEqual({ available: 0, version: 9, revision: 1 });
  });

  test('written before products had revisions is of the first', async () => {
    const productId = newId();
    await redis.hset(stockKey(productId), { available: 7, version: 3 });
    expect(await readVouchedFor(productId)).toEqual({ available: 7, version: 3, revision: 1 });
  });

  test('that was never written is unknown', async () => {
    expect(await readVouchedFor(newId())).toBeUndefined();
  });

  test('is not overwritten by an older one, nor by another of the same version', async () => {
    const productId = newId();
    await views.write([{ productId, available: 5, version: 10, revision: 1 }]);
    // As text "9" comes after "10"; as numbers it does not.
    await views.write([{ productId, available: 6, version: 9, revision: 1 }]);
    await views.write([{ productId, available: 4, version: 10, revision: 1 }]);
    expect(await readVouchedFor(productId)).toEqual({ available: 5, version: 10, revision: 1 });
    await views.write([{ productId, available: 3, version: 11, revision: 1 }]);
    expect(await readVouchedFor(productId)).toEqual({ available: 3, version: 11, revision: 1 });
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
          expect(await readVouchedFor(productId)).toEqual({ available: 100 - newest, version: newest, revision: 1 });
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
    expect(await readVouchedFor(productId)).toEqual({ available: 999_999_999, version: 2 ** 53 - 1, revision: 1 });
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
    await vouch();
    const answers = await Promise.all(asked.map(({ productId }) => views.read(productId)));
    expect(answers).toEqual(asked.map(({ productId: _, ...view }) => view));
  });

  test('of a version that PostgreSQL has lost gives way when it is named, and only then', async () => {
    const productId = newId();
    const level = { productId, available: 3, version: 4, revision: 1 };
    await views.write([{ ...level, available: 7, version: 9 }]);
    expect(await views.write([level])).toEqual([9]);
    expect(await views.write([level], { instead: [8] })).toEqual([9]);
    expect(await views.write([level], { instead: [9] })).toEqual([4]);
    expect(await readVouchedFor(productId)).toEqual({ available: 3, version: 4, revision: 1 });
  });

  test('of which only a half is there is unknown', async () => {
    const productId = newId();
    await redis.hset(`stock:{${productId}}`, 'available', '5');
    expect(await readVouchedFor(productId)).toBeUndefined();
  });

  test('in whose place something else stands is unknown, and its neighbours are not', async () => {
    const [strange, fine] = [newId(), newId()];
    await redis.set(`stock:{${strange}}`, 'text');
    await views.write([{ productId: fine, available: 2, version: 1, revision: 1 }]);
    await vouch();
    expect(await Promise.all([views.read(strange), views.read(fine)])).toEqual([
      undefined,
      { available: 2, version: 1, revision: 1 },
    ]);
  });
});

describe('a level is believed', () => {
  const written = async () => {
    const productId = newId();
    await views.write([{ productId, available: 7, version: 1, revision: 1 }]);
    return productId;
  };

  test.each([
    ['there is no mark', () => redis.del(stockMarkKey)],
    ['the mark has no end, as it was before it had an age', () => redis.set(stockMarkKey, '1')],
    ['the clock of the server was set back', () => redis.set(stockMarkKey, '1', 'PX', stockMarkLifeMs + 60_000)],
  ])('not when %s', async (_what, prepare) => {
    const productId = await written();
    await vouch();
    await prepare();
    expect(await Promise.all([views.read(productId), views.areBelieved()])).toEqual([undefined, false]);
    expect(await views.readLastKnown(productId)).toEqual({ available: 7, version: 1, revision: 1 });
    await vouch();
    expect(await Promise.all([views.read(productId), views.areBelieved()])).toMatchObject([{ available: 7 }, true]);
  });

  test('no longer than the mark lives, although it is remembered', async () => {
    const productId = await written();
    const clock = jest.spyOn(performance, 'now');
    try {
      await eventually(async () => {
        clock.mockReturnValue(1_000);
        await redis.set(stockMarkKey, '1', 'PX', 10);
        expect(await views.read(productId)).toMatchObject({ available: 7 });
        await redis.del(stockMarkKey);
        clock.mockReturnValue(1_011);
        expect(await views.read(productId)).toBeUndefined();
      });
    } finally {
      clock.mockRestore();
    }
  });
});

describe('the mark', () => {
  test('is renewed while it is there, and made only by who has written all levels', async () => {
    const mark = new StockMark(redis);
    const until = async () => (await mark.now()) + stockMarkLifeMs;
    expect(await mark.renew(await until(), false)).toBe('missing');
    expect(await redis.exists(stockMarkKey)).toBe(0);
    expect(await mark.renew(await until(), true)).toBe('renewed');
    expect(await mark.renew(await until(), false)).toBe('renewed');
    await mark.withdraw();
    expect(await mark.renew(await until(), false)).toBe('missing');
  });

  test('vouches for no time that has passed, nor for longer than it may live', async () => {
    const mark = new StockMark(redis);
    const now = await mark.now();
    expect(await mark.renew(now, true)).toBe('late');
    expect(await mark.renew(now + 60_000, true)).toBe('late');
    expect(await redis.exists(stockMarkKey)).toBe(0);
  });

  test('is not made by a command that stood in a frozen server', async () => {
    const mark = new StockMark(redis);
    const now = await mark.now();
    await redis.call('CLIENT', 'PAUSE', '800', 'WRITE');
    await expect(mark.renew(now + 500, true)).rejects.toThrow();
    await eventually(() => redis.set('after', '1'));
    expect(await redis.exists(stockMarkKey)).toBe(0);
  });
});

describe('the state of Redis', () => {
  test.each([
    ['out of memory', 'maxmemory', '1', '0'],
    ['without the replicas that it must have', 'min-replicas-to-write', '1', '0'],
  ])('%s is read-only, although it answers', async (_what, setting, wrong, right) => {
    expect(await stateOfRedis(redis, 'test')).toBe('ok');
    await redis.config('SET', setting, wrong);
    try {
      expect(await redis.ping()).toBe('PONG');
      expect(await stateOfRedis(redis, 'test')).toBe('read-only');
    } finally {
      await redis.config('SET', setting, right);
    }
    expect(await stateOfRedis(redis, 'test')).toBe('ok');
  });

  test.each([
    ['out of reach', () => proxy.cut()],
    ['silent', () => Promise.resolve(proxy.stall())],
  ])('%s is away', async (_what, away) => {
    await away();
    expect(await stateOfRedis(redis, 'test')).toBe('away');
  });
});

describe('Redis away', () => {
  test.each([
    ['out of reach', () => proxy.cut()],
    ['silent', () => Promise.resolve(proxy.stall())],
  ])('%s: nothing is known, soon; a write fails; it goes on when Redis is back', async (_how, away) => {
    const productId = newId();
    await views.write([{ productId, available: 7, version: 1, revision: 1 }]);
    await vouch();
    await away();

    const startedAt = performance.now();
    const answers = await Promise.all([views.read(productId), views.read(newId()), views.areBelieved()]);
    expect(answers).toEqual([undefined, undefined, false]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await expect(views.write([{ productId, available: 6, version: 2, revision: 1 }])).rejects.toThrow();

    await proxy.restore();
    await eventually(async () => expect(await readVouchedFor(productId)).toMatchObject({ version: 1 }));
    await views.write([{ productId, available: 6, version: 2, revision: 1 }]);
    expect(await readVouchedFor(productId)).toEqual({ available: 6, version: 2, revision: 1 });
  });

  test('one that was restarted knows nothing, but scripts and reads work at once', async () => {
    const productId = newId();
    await views.write([{ productId, available: 7, version: 5, revision: 1 }]);
    await server.stop();
    await server.start();
    await ready();
    await eventually(async () => {
      await views.write([{ productId, available: 6, version: 2, revision: 1 }]);
      expect(await readVouchedFor(productId)).toEqual({ available: 6, version: 2, revision: 1 });
    });
  });
});
