import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { newId } from '../ids.ts';
import { connectRedis } from '../redis/connection.ts';
import { eventually } from '../testing/eventually.ts';
import { Outcomes } from './outcomes.ts';

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
interface Thing {
  id: string;
  status: string;
}
type Read = (id: string) => Promise<Thing | undefined>;
const thing = (status: string, id = 'any'): Thing => ({ id, status });
const never: Read = () => Promise.resolve(undefined);
const held: Read = () => Promise.resolve(thing('held'));

/** As one instance of a service has it. */
const anInstance = (read = never, what = 'reservation') => {
  const [publisher, subscriber] = [connect(), connect()];
  const stages = { decided: () => true, ended: () => true };
  const outcomes = new Outcomes({ read, stages, channel: `settled:${what}`, publisher, subscriber, log });
  return { outcomes, publisher };
};
const subscribers = async (redis: Redis, what = 'reservation') =>
  Number((await redis.pubsub('NUMSUB', `settled:${what}`))[1]);
const listening = (redis: Redis, count: number) => eventually(async () => expect(await subscribers(redis)).toBe(count));
/** Waits without the slow look, so long that nothing but news ends it within a test. */
function waitForNews(outcomes: ReturnType<typeof anInstance>['outcomes'], id: string) {
  const neverAgain = jest.spyOn(globalThis, 'setInterval').mockReturnValue(undefined as never);
  const waiting = outcomes.wait(id, 'decided', { timeoutMs: 300_000 });
  neverAgain.mockRestore();
  return waiting;
}

describe('news from another instance', () => {
  test('ends a wait at once; what it brings is looked up', async () => {
    const look = jest.fn(held);
    const [here, there] = [anInstance(look), anInstance()];
    await listening(here.publisher, 2);
    const id = newId();
    const waiting = waitForNews(here.outcomes, id);
    there.outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toEqual(thing('held'));
    expect(look).toHaveBeenCalledTimes(1);
  });

  test('of many at once comes to each of them', async () => {
    const [here, there] = [anInstance((id) => Promise.resolve(thing('held', id))), anInstance()];
    await listening(here.publisher, 2);
    const ids = Array.from({ length: 500 }, newId);
    const waiting = ids.map((id) => waitForNews(here.outcomes, id));
    for (const id of ids) there.outcomes.settle(id, 'decided', thing('x'));
    expect(await Promise.all(waiting)).toEqual(ids.map((id) => thing('held', id)));
  });

  test('is not sent where the waiter stands here', async () => {
    const here = anInstance();
    await listening(here.publisher, 1);
    const publish = jest.spyOn(here.publisher, 'publish');
    const id = newId();
    const waiting = here.outcomes.wait(id, 'decided', { timeoutMs: 1_000 });
    here.outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toEqual(thing('held'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(publish).not.toHaveBeenCalled();
  });

  test('of something else is not taken for it', async () => {
    const look = jest.fn(never);
    const [here, payments] = [anInstance(look), anInstance(never, 'payment')];
    await listening(here.publisher, 1);
    await eventually(async () => expect(await subscribers(here.publisher, 'payment')).toBe(1));
    const id = newId();
    const waiting = here.outcomes.wait(id, 'decided', { timeoutMs: 200 });
    payments.outcomes.settle(id, 'decided', thing('captured'));
    await waiting;
    expect(look).toHaveBeenCalledTimes(1); // at the end of its time, and not before
  });

  test('that cannot be read is left aside', async () => {
    const [here, there] = [anInstance(held), anInstance()];
    await listening(here.publisher, 2);
    const id = newId();
    const waiting = waitForNews(here.outcomes, id);
    for (const nonsense of ['', '{', '{}', '[1]', `"${id}"`])
      await there.publisher.publish('settled:reservation', nonsense);
    there.outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toEqual(thing('held'));
  });
});

test('instances of the release before and of this one understand each other', async () => {
  const here = anInstance(held);
  await listening(here.publisher, 1);
  const publish = jest.spyOn(here.publisher, 'publish');
  const id = newId();
  here.outcomes.settle(id, 'decided');
  here.outcomes.settle(id, 'ended');
  await eventually(() =>
    expect(publish.mock.calls.flatMap(([, news]) => JSON.parse(String(news)) as string[])).toEqual([id, `${id}/ended`]),
  );
});

describe('without Redis', () => {
  test('the slow look serves the waiter; settling harms nobody', async () => {
    const states: Thing[] = [];
    const look = jest.fn(() => Promise.resolve(states[0]));
    const [here, there] = [anInstance(look), anInstance()];
    await listening(here.publisher, 2);
    await server.stop();
    try {
      const id = newId();
      const startedAt = performance.now();
      const waiting = here.outcomes.wait(id, 'decided', { timeoutMs: 300_000 });
      states.push(thing('held'));
      there.outcomes.settle(id, 'decided', thing('held'));
      expect(await waiting).toEqual(thing('held'));
      expect(performance.now() - startedAt).toBeGreaterThan(900);
      expect(look).toHaveBeenCalledTimes(1);
    } finally {
      await server.start();
      await listening(here.publisher, 2);
    }
  });

  test('once it is back, news comes again by itself', async () => {
    const [here, there] = [anInstance(held), anInstance()];
    await listening(here.publisher, 2);
    await server.stop();
    await server.start();
    await listening(there.publisher, 2);
    const id = newId();
    const waiting = waitForNews(here.outcomes, id);
    there.outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toEqual(thing('held'));
  });

  test('an instance that starts without it hears the news when it comes', async () => {
    await server.stop();
    const [here, there] = [anInstance(held), anInstance()];
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.start();
    await listening(here.publisher, 2);
    const id = newId();
    const waiting = waitForNews(here.outcomes, id);
    there.outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toEqual(thing('held'));
  });
});
