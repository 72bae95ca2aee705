import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { connectPatiently } from '@flash-sale/shared/testing/redis.ts';
import type { Redis } from 'ioredis';
import { createTestRedis, type TestRedis } from '../../../../infra/testing/redis.ts';
import { redisTurns } from './turns.ts';

let server: TestRedis;
const connections: Redis[] = [];

beforeAll(async () => {
  server = await createTestRedis();
});
afterAll(async () => {
  for (const redis of connections) redis.disconnect();
  await server?.close();
});

/** As an instance of the user service, with what its user may do. */
async function anInstance() {
  const redis = connectPatiently(server.urlOf('user'));
  connections.push(redis);
  await eventually(() => expect(redis.status).toBe('ready'));
  return redisTurns(redis);
}

test('a turn that one instance has given is taken at the other, once, and not before its time', async () => {
  const [one, other] = [await anInstance(), await anInstance()];
  expect(await other.take('somebody')).toBeUndefined();
  one.give('somebody', 60_000);
  one.give('somebody else', 0);
  for (let times = 0; times < 2; times += 1) {
    const inMs = await eventually(async () => {
      const found = await other.take('somebody');
      expect(found).toBeDefined();
      return found!;
    });
    expect(inMs).toBeGreaterThan(1_000);
    expect(inMs).toBeLessThanOrEqual(60_000);
  }
  expect(await other.take('somebody else')).toBe(0);
  expect(await one.take('somebody else')).toBeUndefined();
});

test('whatever the clock of an instance says, a turn comes when it was to come', async () => {
  const [one, other] = [await anInstance(), await anInstance()];
  one.give('somebody', 60_000);
  await eventually(async () => expect(await one.take('somebody')).toBeDefined());
  const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
  try {
    expect(await other.take('somebody')).toBeLessThanOrEqual(60_000);
  } finally {
    clock.mockRestore();
  }
});

test('without Redis nobody has a turn, and nothing fails', async () => {
  const turns = await anInstance();
  await server.stop();
  try {
    turns.give('somebody', 0);
    expect(await turns.take('somebody')).toBeUndefined();
    expect(turns.isAway).toBe(true);
  } finally {
    await server.start();
  }
  await eventually(async () => {
    await turns.take('somebody');
    expect(turns.isAway).toBe(false);
  });
});
