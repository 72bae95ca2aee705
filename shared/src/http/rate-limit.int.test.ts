import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { AppError } from '@flash-sale/contract/errors.ts';
import { newId } from '../ids.ts';
import { eventually } from '../testing/eventually.ts';
import { connectPatiently } from '../testing/redis.ts';
import { AddressLimit } from './address-limit.ts';
import { counted, RateLimit, type RateLimitOptions } from './rate-limit.ts';

let server: TestRedis;
const connections: Redis[] = [];

beforeAll(async () => {
  server = await createTestRedis();
});
afterAll(() => server.close());
afterEach(() => {
  for (const connection of connections.splice(0)) connection.disconnect();
});

const refused = { code: 'too-many-requests' };
let name = '';
beforeEach(() => {
  name = newId();
});

/** A limit as one process has it: those of one test count together while Redis is there. */
async function aLimit(isThere: boolean, options: Partial<RateLimitOptions>): Promise<RateLimit> {
  const redis = connectPatiently(server.url);
  connections.push(redis);
  if (isThere) await eventually(() => expect(redis.status).toBe('ready'));
  return new RateLimit({ redis, name, points: 3, windowSeconds: 60, detail: 'Too many.', ...options });
}

const outcomesOf = async (all: Promise<unknown>[]) =>
  (await Promise.allSettled(all)).map((one) =>
    one.status === 'fulfilled' ? 'through' : (one.reason as AppError).code,
  );
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** The same promises hold without Redis, for one process. */
describe.each(['with Redis', 'without Redis'])('%s', (where) => {
  const processes = where === 'with Redis' ? 2 : 1;
  const limits = async (options: Partial<RateLimitOptions> = {}) => {
    const made = await Promise.all(many(processes, () => aLimit(where === 'with Redis', options)));
    return (index: number) => made[index % made.length]!;
  };
  if (where === 'without Redis') {
    beforeAll(() => server.stop());
    afterAll(() => server.start());
  }

  test('so many points are consumed, and no more, with the seconds to wait', async () => {
    const of = await limits();
    const outcomes = await outcomesOf(many(10, (index) => of(index).consume('k')));
    expect(outcomes.filter((outcome) => outcome === 'through')).toHaveLength(3);
    const error = (await of(0)
      .consume('k')
      .catch((thrown: unknown) => thrown)) as AppError;
    expect(error).toMatchObject(refused);
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
    expect(error.retryAfterSeconds).toBeLessThanOrEqual(60);
    await of(0).consume('another');
  });

  test('what is given back can be had again, also where it was refused before', async () => {
    const of = await limits();
    const consumed = await Promise.all(many(3, (index) => of(index).consume('k')));
    for (const index of [0, 1]) await expect(of(index).consume('k')).rejects.toMatchObject(refused);
    consumed[0]!.refund();
    await eventually(() => of(1).consume('k'));
    await expect(of(0).consume('k')).rejects.toMatchObject(refused);
  });

  test('work without an outcome does not count, refusals by it do', async () => {
    const of = await limits();
    const shed = () => Promise.reject(new AppError('overloaded', 'later'));
    const broken = () => Promise.reject(new Error('a bug'));
    const taken = () => Promise.reject(new AppError('email-taken', 'taken'));
    for (let round = 0; round < 5; round += 1) {
      await expect(counted(await of(round).consume('k'), shed)).rejects.toMatchObject({ code: 'overloaded' });
      await expect(counted(await of(round).consume('k'), broken)).rejects.toThrow('a bug');
    }
    for (let round = 0; round < 3; round += 1) {
      const consumed = await eventually(() => of(round).consume('k'));
      await expect(counted(consumed, taken)).rejects.toMatchObject({ code: 'email-taken' });
    }
    await expect(of(0).consume('k')).rejects.toMatchObject(refused);
  });

  test('what is refused for the network does not count for the address', async () => {
    const redis = connectPatiently(server.url);
    connections.push(redis);
    if (where === 'with Redis') await eventually(() => expect(redis.status).toBe('ready'));
    const limit = new AddressLimit({
      redis,
      name,
      points: 3,
      windowSeconds: 60,
      detail: 'Too many.',
      addressesPerNetwork: 1,
    });
    const [one, neighbour] = ['2001:db8:1:1::1', '2001:db8:1:2::1'];
    const shed = Promise.withResolvers<never>();
    const started = many(3, () => Promise.withResolvers<void>());
    const underWay = outcomesOf(many(3, (index) => limit.around(one, () => (started[index]!.resolve(), shed.promise))));
    await Promise.all(started.map(({ promise }) => promise));
    const done = () => Promise.resolve();
    for (let n = 0; n < 3; n += 1) await expect(limit.around(neighbour, done)).rejects.toMatchObject(refused);
    shed.reject(new AppError('overloaded', 'later'));
    expect(await underWay).toEqual(Array(3).fill('overloaded'));
    for (let n = 0; n < 3; n += 1) await eventually(() => limit.around(neighbour, done));
  });

  test('a crowd whose reservations are all released gets through whole, never more at once than there are points', async () => {
    const of = await limits();
    let [atOnce, most] = [0, 0];
    const outcomes = await outcomesOf(
      many(40, async (index) => {
        const reservation = await of(index).reserve('k');
        most = Math.max(most, (atOnce += 1));
        await new Promise((resolve) => setImmediate(resolve));
        atOnce -= 1;
        reservation.release();
      }),
    );
    expect(outcomes).toEqual(Array(40).fill('through'));
    expect(most).toBeLessThanOrEqual(3);
  });

  test('a crowd whose reservations are used gets no more than there are points', async () => {
    const of = await limits();
    const outcomes = await outcomesOf(many(40, async (index) => (await of(index).reserve('k')).use()));
    expect(outcomes.filter((outcome) => outcome === 'through')).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === 'too-many-requests')).toHaveLength(37);
  });

  test('while all points are reserved, whoever does not want to wait hears so', async () => {
    const of = await limits();
    const reservations = await Promise.all(many(3, (index) => of(index).reserveNow('k')));
    expect(await of(0).reserveNow('k')).toBeUndefined();
    reservations[0]!.release();
    expect(
      await eventually(async () => (await of(1).reserveNow('k')) ?? Promise.reject(new Error('not yet'))),
    ).toBeDefined();
  });

  test('waiting ends', async () => {
    const of = await limits({ maxWaitMs: 50 });
    await Promise.all(many(3, (index) => of(index).reserve('k')));
    await expect(of(0).reserve('k')).rejects.toMatchObject({ code: 'overloaded' });
  });

  test('those who wait are not too many', async () => {
    const of = await limits({ maxWaitMs: 2_000 });
    const here = of(0);
    await Promise.all(many(3, () => here.reserve('k')));
    const waiting = outcomesOf(many(110, () => here.reserve('k')));
    const outcomes = await waiting;
    expect(outcomes.filter((outcome) => outcome === 'too-many-requests')).toHaveLength(10);
  });
});
