import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { StockLevel, StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import type { Catalogue } from './catalogue.ts';
import { StockPublisher } from './stock-publisher.ts';

const aLevel = (productId: string, version: number, available = version): StockLevel => ({
  productId,
  available,
  version,
  revision: 1,
});

/** A publisher between a table of stock and a Redis that may refuse. */
function aPublisher(...stock: StockLevel[]) {
  const table = new Map(stock.map((level) => [level.productId, level]));
  const inRedis = new Map<string, StockLevel>();
  const redis = { refuses: false };
  const write = jest.fn((levels: StockLevel[], { instead = [] }: { instead?: number[] } = {}) => {
    if (redis.refuses) return Promise.reject(new Error('OOM'));
    levels.forEach((level, index) => {
      const known = inRedis.get(level.productId)?.version ?? 0;
      if (known < level.version || known === instead[index]) inRedis.set(level.productId, level);
    });
    return Promise.resolve(levels.map(({ productId }) => inRedis.get(productId)!.version));
  });
  const catalogue = {
    levelsOf: (ids: string[]) => Promise.resolve(ids.flatMap((id) => table.get(id) ?? [])),
    async *allLevels() {
      yield await Promise.resolve([...table.values()]);
    },
  } as unknown as Catalogue;
  const onDebt = jest.fn();
  const publisher = new StockPublisher({ views: { write } as unknown as StockViews, catalogue, onDebt });
  return { publisher, table, inRedis, redis, write, onDebt };
}

describe('a level that Redis does not take', () => {
  test('is owed, which is told once, and is written as PostgreSQL has it by then', async () => {
    const { publisher, table, inRedis, redis, onDebt } = aPublisher(aLevel('lamp', 5));
    redis.refuses = true;
    await publisher.publish([aLevel('lamp', 4)]);
    await publisher.publish([aLevel('lamp', 5)]);
    await publisher.payDebts();
    expect(publisher.oldestUnwrittenMs).toBeGreaterThan(0);
    expect(onDebt).toHaveBeenCalledTimes(1);
    redis.refuses = false;
    table.set('lamp', aLevel('lamp', 6));
    await publisher.payDebts();
    expect(publisher.oldestUnwrittenMs).toBeUndefined();
    expect(inRedis.get('lamp')).toEqual(aLevel('lamp', 6));
  });

  test('stays owed when it came to be so while another was being paid', async () => {
    const { publisher, redis, write } = aPublisher(aLevel('lamp', 5));
    redis.refuses = true;
    await publisher.publish([aLevel('lamp', 5)]);
    redis.refuses = false;
    write.mockImplementationOnce(async (levels) => {
      redis.refuses = true;
      await publisher.publish([aLevel('lamp', 6)]);
      return levels.map(({ version }) => version);
    });
    await publisher.payDebts();
    expect(publisher.oldestUnwrittenMs).toBeGreaterThan(0);
  });

  test('together with very many others is paid when all levels are written, and not before', async () => {
    const { publisher, redis } = aPublisher();
    redis.refuses = true;
    await publisher.publish(Array.from({ length: 1_001 }, (_, n) => aLevel(`product ${n}`, 1)));
    redis.refuses = false;
    await publisher.payDebts();
    expect([publisher.owesAll, publisher.oldestUnwrittenMs !== undefined]).toEqual([true, true]);
    await publisher.writeAll();
    expect([publisher.owesAll, publisher.oldestUnwrittenMs]).toEqual([false, undefined]);
  });
});

describe('a commit whose outcome nobody knows', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('is looked up, and what it did is written', async () => {
    const { publisher, inRedis } = aPublisher(aLevel('lamp', 5));
    publisher.announced();
    publisher.failed([aLevel('lamp', 5)]);
    expect(publisher.oldestUnwrittenMs).toBeGreaterThan(0);
    await publisher.payDebts();
    expect(inRedis.get('lamp')).toEqual(aLevel('lamp', 5));
  });

  test('counts as owed when it takes too long, until it has ended', () => {
    const { publisher } = aPublisher();
    const clock = jest.spyOn(performance, 'now').mockReturnValue(10_000);
    publisher.announced();
    clock.mockReturnValue(13_000);
    expect(publisher.oldestUnwrittenMs).toBeUndefined();
    clock.mockReturnValue(13_001);
    expect(publisher.oldestUnwrittenMs).toBe(3_001);
    publisher.committed([]);
    expect(publisher.oldestUnwrittenMs).toBeUndefined();
  });
});

describe('all levels are compared', () => {
  test.each([
    ['of a future that PostgreSQL has lost', aLevel('lamp', 9, 0)],
    ['of the same version, and says something else', aLevel('lamp', 5, 0)],
  ])('and what Redis has gives way when it is %s', async (_what, known) => {
    const { publisher, inRedis } = aPublisher(aLevel('lamp', 5));
    inRedis.set('lamp', known);
    expect(await publisher.writeAll()).toBe(1);
    expect(inRedis.get('lamp')).toEqual(aLevel('lamp', 5));
  });

  test('and what somebody has committed meanwhile stays', async () => {
    const { publisher, table, inRedis, write } = aPublisher(aLevel('lamp', 5));
    inRedis.set('lamp', aLevel('lamp', 6));
    write.mockImplementationOnce((levels) => {
      table.set('lamp', aLevel('lamp', 6));
      return Promise.resolve(levels.map(() => 6));
    });
    await publisher.writeAll();
    expect(inRedis.get('lamp')).toEqual(aLevel('lamp', 6));
  });
});
