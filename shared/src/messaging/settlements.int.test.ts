import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { newId } from '../ids.ts';
import { connectRedis } from '../redis/connection.ts';
import { eventually } from '../testing/eventually.ts';
import { Settlements } from './settlements.ts';

const log = pino({ level: 'silent' });
let server: TestRedis;
const connections: Redis[] = [];

beforeAll(async () => {
  server = await createTestRedis();
});
afterAll(() => server.close());
afterEach(() => {
  for (const connection of connections.splice(0)) connection.disconnect();
});

function connect(): Redis {
  const redis = connectRedis(server.url, log);
  connections.push(redis);
  return redis;
}
/** As one instance of a service has it. */
const anInstance = (what = 'reservation') => {
  const [publisher, subscriber] = [connect(), connect()];
  return {
    settlements: new Settlements<string>({ channel: `settled:${what}`, publisher, subscriber, log }),
    publisher,
  };
};
const subscribers = async (redis: Redis, what = 'reservation') =>
  Number((await redis.pubsub('NUMSUB', `settled:${what}`))[1]);
const listening = (redis: Redis, count: number) => eventually(async () => expect(await subscribers(redis)).toBe(count));
/** Waits without the slow look, so long that nothing but news ends it within a test. */
function waitForNews(settlements: Settlements<string>, id: string, look: () => Promise<string | undefined>) {
  const neverAgain = jest.spyOn(globalThis, 'setInterval').mockReturnValue(undefined as never);
  const waiting = settlements.wait(id, 300_000, look);
  neverAgain.mockRestore();
  return waiting;
}

describe('news from another instance', () => {
  test('ends a wait at once; what it brings is looked up', async () => {
    const [here, there] = [anInstance(), anInstance()];
    await listening(here.publisher, 2);
    const id = newId();
    const look = jest.fn(() => Promise.resolve('held'));
    const waiting = waitForNews(here.settlements, id, look);
    there.settlements.settle(id, 'held');
    expect(await waiting).toBe('held');
    expect(look).toHaveBeenCalledTimes(1);
  });

  test('of many at once comes to each of them', async () => {
    const [here, there] = [anInstance(), anInstance()];
    await listening(here.publisher, 2);
    const ids = Array.from({ length: 500 }, newId);
    const waiting = ids.map((id) => waitForNews(here.settlements, id, () => Promise.resolve(`state of ${id}`)));
    for (const id of ids) there.settlements.settle(id, 'x');
    expect(await Promise.all(waiting)).toEqual(ids.map((id) => `state of ${id}`));
  });

  test('is not sent where the waiter stands here', async () => {
    const here = anInstance();
    await listening(here.publisher, 1);
    const publish = jest.spyOn(here.publisher, 'publish');
    const id = newId();
    const waiting = here.settlements.wait(id, 1_000, () => Promise.resolve(undefined));
    here.settlements.settle(id, 'held');
    expect(await waiting).toBe('held');
    await new Promise((resolve) => setImmediate(resolve));
    expect(publish).not.toHaveBeenCalled();
  });

  test('of something else is not taken for it', async () => {
    const [here, payments] = [anInstance(), anInstance('payment')];
    await listening(here.publisher, 1);
    await eventually(async () => expect(await subscribers(here.publisher, 'payment')).toBe(1));
    const id = newId();
    const look = jest.fn(() => Promise.resolve(undefined));
    const waiting = here.settlements.wait(id, 200, look);
    payments.settlements.settle(id, 'captured');
    await waiting;
    expect(look).toHaveBeenCalledTimes(1); // at the end of its time, and not before
  });

  test('that cannot be read is left aside', async () => {
    const [here, there] = [anInstance(), anInstance()];
    await listening(here.publisher, 2);
    const id = newId();
    const waiting = waitForNews(here.settlements, id, () => Promise.resolve('held'));
    for (const nonsense of ['', '{', '{}', '[1]', `"${id}"`])
      await there.publisher.publish('settled:reservation', nonsense);
    there.settlements.settle(id, 'held');
    expect(await waiting).toBe('held');
  });
});

describe('without Redis', () => {
  test('the slow look serves the waiter; settling harms nobody', async () => {
    const [here, there] = [anInstance(), anInstance()];
    await listening(here.publisher, 2);
    await server.stop();
    try {
      const id = newId();
      const states: string[] = [];
      const look = jest.fn(() => Promise.resolve(states[0]));
      const startedAt = performance.now();
      const waiting = here.settlements.wait(id, 300_000, look);
      states.push('held');
      there.settlements.settle(id, 'held');
      expect(await waiting).toBe('held');
      expect(performance.now() - startedAt).toBeGreaterThan(900);
      expect(look).toHaveBeenCalledTimes(1);
    } finally {
      await server.start();
      await listening(here.publisher, 2);
    }
  });

  test('once it is back, news comes again by itself', async () => {
    const [here, there] = [anInstance(), anInstance()];
    await listening(here.publisher, 2);
    await server.stop();
    await server.start();
    await listening(there.publisher, 2);
    const id = newId();
    const waiting = waitForNews(here.settlements, id, () => Promise.resolve('held'));
    there.settlements.settle(id, 'held');
    expect(await waiting).toBe('held');
  });

  test('an instance that starts without it hears the news when it comes', async () => {
    await server.stop();
    const [here, there] = [anInstance(), anInstance()];
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.start();
    await listening(here.publisher, 2);
    const id = newId();
    const waiting = waitForNews(here.settlements, id, () => Promise.resolve('held'));
    there.settlements.settle(id, 'held');
    expect(await waiting).toBe('held');
  });
});
