import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { eventually } from '../testing/eventually.ts';
import { connectRedis } from './connection.ts';
import { CrowdSign } from './crowd-sign.ts';

/* By the rights of the services that use it. How many it lets in, admission.test.ts says. */

let server: TestRedis;
let clients: ReturnType<typeof connectRedis>[] = [];
let [carts, logIns]: CrowdSign[] = [];
beforeAll(async () => {
  server = await createTestRedis();
  clients = (['reservation', 'user'] as const).map((user) =>
    connectRedis(server.urlOf(user), pino({ level: 'silent' })),
  );
  [carts, logIns] = clients.map((client) => new CrowdSign(client));
  await eventually(() => expect(clients.map(({ status }) => status)).toEqual(['ready', 'ready']));
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server?.close();
});

/** Of a hundred who come in a moment. */
const letIn = () => Array.from({ length: 100 }, () => logIns!.letsIn(performance.now())).filter(Boolean).length;

test('what processes of carts say, those of log-ins hear, for as long as it is said; and Redis may go away meanwhile', async () => {
  expect(letIn()).toBe(100);
  const crowded = () => {
    carts!.raise(performance.now());
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
