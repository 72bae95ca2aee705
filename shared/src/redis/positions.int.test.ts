import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { eventually } from '../testing/eventually.ts';
import { connectRedis } from './connection.ts';
import { positionKey, Positions } from './positions.ts';

/* By the rights of the service. What reads make of a position, reads.int.test.ts says. */

const key = positionKey('order', 'anna');
let server: TestRedis;
let clients: Redis[] = [];
let admin: Redis;
let [positions, others]: Positions[] = [];
beforeEach(async () => {
  server = await createTestRedis();
  admin = new Redis(server.url);
  const log = pino({ level: 'silent' });
  clients = [1, 2].map(() => connectRedis(server.urlOf('order'), log));
  [positions, others] = clients.map((redis) => new Positions({ redis, service: 'order', log }));
  await eventually(() => expect(clients.map(({ status }) => status)).toEqual(['ready', 'ready']));
});
afterEach(async () => {
  for (const client of [...clients, admin]) client.disconnect();
  await server?.close();
});

const ofAnna = async (of = others!) => (await of.of(['anna']))[0];
const becomes = (expected: unknown) => eventually(async () => expect(await ofAnna()).toBe(expected));
const changes = async (position: number, by = positions!) => {
  await by.changing(['anna']);
  by.changed(['anna'], position);
};

test('of whom nobody has said anything it is unknown, and then as it was found', async () => {
  expect(await ofAnna()).toBe('unknown');
  positions!.found(['anna'], 700);
  await becomes(700);
});

test('what is about to change counts for every instance until it is told where', async () => {
  await positions!.changing(['anna']);
  expect(await ofAnna()).toBe('changing');
  await others!.changing(['anna']);
  positions!.changed(['anna'], 100);
  await eventually(async () => expect(await admin.hget(key, 'changing')).toBe('1'));
  expect(await ofAnna()).toBe('changing');
  others!.changed(['anna'], 90);
  await becomes(100);
});

test('the greatest stays, whichever is told last, and what is found later is no news', async () => {
  for (const [position, greatest] of [
    [9, 9],
    [1_000, 1_000],
    [200, 1_000],
  ] as const) {
    await changes(position);
    await becomes(greatest);
  }
  positions!.found(['anna'], 2_000);
  await changes(1_001, others);
  await becomes(1_001);
});

test('each of several, in the order in which they are asked for', async () => {
  await positions!.changing(['anna', 'bert', 'cleo']);
  positions!.changed(['anna', 'bert'], 5);
  await eventually(async () =>
    expect(await others!.of(['dora', 'cleo', 'bert', 'anna'])).toEqual(['unknown', 'changing', 5, 5]),
  );
  expect(await others!.of([])).toEqual([]);
});

test('what Redis has lost is not made up from what is told later: others may have changed as well', async () => {
  await positions!.changing(['anna']);
  await admin.del(key);
  positions!.changed(['anna'], 100);
  positions!.found(['bert'], 1); // told after it
  await eventually(async () => expect(await others!.of(['bert'])).toEqual([1]));
  expect(await ofAnna()).toBe('unknown');
});

test('it is kept for an hour; of who died over a change it is unknown after a minute', async () => {
  await positions!.changing(['anna']);
  expect(await admin.pttl(key)).toBeGreaterThan(59_000);
  expect(await admin.pttl(key)).toBeLessThanOrEqual(60_000);
  positions!.changed(['anna'], 1);
  await becomes(1);
  expect(await admin.pttl(key)).toBeGreaterThan(3_590_000);
});

test('of whom Redis could not be told it does not go on telling what was true before', async () => {
  await changes(100);
  await becomes(100);
  await server.stop();
  await positions!.changing(['anna']);
  expect(await ofAnna()).toBe('changing');
  await server.start();
  // As of a backup of Redis: what it says is older than the change.
  await eventually(() => admin.hset(key, 'position', '100', 'changing', '0'));
  expect(await ofAnna(positions)).toBe('changing');
  await eventually(async () => {
    await positions!.settleOwed();
    expect(await ofAnna()).toBe('changing');
  });
  // Told to Redis, where it outlasts what others change meanwhile.
  await changes(200, others);
  expect(await ofAnna()).toBe('changing');
});

test('what Redis was not told is not taken back: another may be about to change it', async () => {
  await others!.changing(['anna']);
  await server.stop();
  expect(await positions!.changing(['anna'])).toBe(false);
  await server.start();
  await eventually(async () => expect(await others!.changing(['anna'])).toBe(true));
  expect(await admin.hget(key, 'changing')).toBe('1');
});

test('nobody waits again and again for a Redis that does not answer', async () => {
  await server.stop();
  await positions!.changing(['anna']);
  const asked = jest.spyOn(clients[0]!, 'pipeline');
  for (let n = 0; n < 100; n += 1) await positions!.changing([`shopper-${n}`]);
  expect(asked).not.toHaveBeenCalled();
  expect(await positions!.of(['anna', 'shopper-99'])).toEqual(['changing', 'changing']);
  expect(asked).not.toHaveBeenCalled();
  await server.start();
  // Though somebody changes something all the time.
  await eventually(async () => expect(await positions!.changing(['bert'])).toBe(true));
  await positions!.settleOwed();
  expect(await others!.of(['bert', 'shopper-0', 'shopper-99'])).toEqual(['changing', 'changing', 'changing']);
});
