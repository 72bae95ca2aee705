import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { eventually } from '../testing/eventually.ts';
import { connectRedis } from './connection.ts';
import { CrowdSign } from './crowd-sign.ts';

/* By the rights of the services that use it. How many it lets in, admission.test.ts says. */

let server: TestRedis;
let clients: Redis[] = [];
let admin: Redis;
let [carts, otherCarts, logIns]: CrowdSign[] = [];
beforeEach(async () => {
  server = await createTestRedis();
  admin = new Redis(server.url);
  clients = (['reservation', 'reservation', 'user'] as const).map((user) =>
    connectRedis(server.urlOf(user), pino({ level: 'silent' })),
  );
  [carts, otherCarts, logIns] = clients.map((client) => new CrowdSign(client));
  await eventually(() => expect(clients.map(({ status }) => status)).toEqual(['ready', 'ready', 'ready']));
});
afterEach(async () => {
  for (const client of [...clients, admin]) client.disconnect();
  await server?.close();
});

/** Of a hundred who come in a moment. */
const letIn = () => Array.from({ length: 100 }, () => logIns!.letsIn(performance.now())).filter(Boolean).length;
const heard = () => {
  const { over, there } = logIns!.heard(performance.now());
  return `${over} of ${there}`;
};
/** Until it is heard, they say again and again which of the two are over. */
const areHeard = async (areOver: [boolean, boolean], expected: string) =>
  eventually(() => {
    [carts!, otherCarts!].forEach((one, n) => one.tell(areOver[n]!, performance.now()));
    letIn();
    expect(heard()).toBe(expected);
  });

test('what processes with carts say, those with log-ins hear, for as long as it is said; and Redis may go away meanwhile', async () => {
  expect(letIn()).toBe(100);
  const crowded = () => {
    carts!.tell(true, performance.now());
    expect(letIn()).toBeLessThan(60);
  };
  await eventually(crowded);
  await eventually(() => expect(letIn()).toBe(100));
  await eventually(crowded);
  await server.stop();
  await eventually(() => expect(letIn()).toBe(100));
  await server.start();
  await eventually(crowded);
});

test('each process says for itself whether it is over, and is counted once however often it says so', async () => {
  await areHeard([false, false], '0 of 2');
  await areHeard([true, false], '1 of 2');
  expect(letIn()).toBe(100);
  await areHeard([true, true], '2 of 2');
  await eventually(() => expect(letIn()).toBeLessThan(60));
  await areHeard([false, true], '1 of 2');
  await areHeard([false, false], '0 of 2');
});

test('who says nothing any more is as it was last for three seconds, and then not counted, by the clock of Redis; nor is who said it in its future', async () => {
  const [seconds] = await admin.time();
  const nowMs = Number(seconds) * 1_000;
  for (const key of ['crowd:there', 'crowd:over'])
    await admin.zadd(key, ...[nowMs, 'silent', nowMs - 3_001, 'ended', nowMs + 60_000, 'to come']);
  carts!.tell(true, performance.now());
  await eventually(async () => expect(await admin.get('crowd:count')).toBe('2 2'));
  const [there, over] = await Promise.all(['crowd:there', 'crowd:over'].map((key) => admin.zrange(key, '0', '-1')));
  expect(there).toEqual(['silent', expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  expect(over).toEqual(there);
});

test('nothing stays in Redis of who is gone', async () => {
  await areHeard([true, false], '1 of 2');
  const left = await Promise.all(['crowd:there', 'crowd:over', 'crowd:count'].map((key) => admin.pttl(key)));
  expect(Math.min(...left)).toBeGreaterThan(0);
  expect(Math.max(...left)).toBeLessThanOrEqual(3_000);
});
