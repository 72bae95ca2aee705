import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import type { RunningService } from '@flash-sale/shared/service/service.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient, type Answer } from '@flash-sale/shared/testing/service.ts';
import { withClient } from '../../../infra/launcher/databases.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { hashPassword } from './adapters/passwords.ts';
import { startUser } from './testing/running.ts';

/* The moment before a sale everybody logs in, and no instance remembers anybody. */

const shoppers = 150;
const password = 'a good password';
const emailOf = (n: number) => `crowd-${n}@example.com`;
let database: TestDatabase;
let redis: TestRedis;
const running: RunningService[] = [];

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase('user'), createTestRedis()]);
  await start();
  const all = Array.from({ length: shoppers }, (_, n) => n);
  const text =
    "INSERT INTO account (id, email, password_hash, role) SELECT id, email, $3, 'shopper' FROM unnest($1::uuid[], $2::text[]) a (id, email)";
  const values = [all.map(() => newId()), all.map(emailOf), await hashPassword(password)];
  await withClient(database.adminUrl, (db) => db.query(text, values));
});
afterEach(async () => void (await Promise.all(running.splice(0).map((service) => service.stop()))));
afterAll(() => Promise.all([database?.drop(), redis?.close()]));

async function start(settings: Record<string, string> = {}) {
  const service = await startUser({ database, redis }, settings);
  running.push(service);
  return jsonClient(service.url);
}
type Call = Awaited<ReturnType<typeof start>>;

const logIn = (on: Call, n: number) => on('POST', '/api/sessions', { body: { email: emailOf(n), password } });

/** Comes when it is told to come, to whichever instance. @returns all answers */
async function obedient(instances: Call[], n: number): Promise<Answer<unknown>[]> {
  const answers: Answer<unknown>[] = [];
  for (;;) {
    const answer = await logIn(instances[(n + answers.length) % instances.length]!, n);
    answers.push(answer);
    if (answer.status !== 503) return answers;
    const retryAfter = answer.headers.get('retry-after');
    expect(retryAfter).toMatch(/^[1-9]\d{0,2}$/);
    await sleep(Number(retryAfter) * 1_000);
  }
}

/** The processes that this one, in which the services run, has for hashing. */
const hashProcesses = () =>
  readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1];
      const isOurs =
        parent === String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('hash-worker');
      return isOurs ? [Number(pid)] : [];
    } catch {
      return []; // it has ended
    }
  });

test('everybody is let in who comes when told to, and only they are told so who would wait for long', async () => {
  const narrow = { PASSWORD_CONCURRENCY: '1', PASSWORD_WAIT_MS: '1000' };
  const instances = [await start(narrow), await start(narrow)];
  const crowd = await Promise.all(Array.from({ length: shoppers }, (_, n) => obedient(instances, n)));
  expect(crowd.map((answers) => answers.at(-1)!.status)).toEqual(Array(shoppers).fill(201));
  const refused = crowd.filter((answers) => answers.length > 1);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(shoppers);
  const [{ body }] = refused[0] as [Answer<Record<string, unknown>>];
  expect(body).toMatchObject({ type: '/problems/overloaded', detail: expect.stringMatching(/Retry-After/) });
});

test('while they wait, all else goes on', async () => {
  const instance = await start({ PASSWORD_CONCURRENCY: '1' });
  const token = (await logIn(instance, 0)).body['accessToken'] as string;
  const order: string[] = [];
  const crowd = Array.from({ length: 60 }, async (_, n) => {
    const { status } = await logIn(instance, n + 1);
    order.push('log-in');
    return status;
  });
  await eventually(() => expect(order.length).toBeGreaterThan(0));
  expect((await instance('GET', '/api/users/me', { token })).status).toBe(200);
  order.push('me');
  expect(await Promise.all(crowd)).toEqual(Array(60).fill(201));
  expect(order.indexOf('me')).toBeLessThan(60);
});

test('the process that hashes is killed meanwhile, again and again: nobody notices but by waiting', async () => {
  const instances = [await start({ CREDENTIAL_CACHE_MS: '0' }), await start({ CREDENTIAL_CACHE_MS: '0' })];
  const killed = new Set<number>();
  const statuses: number[] = [];
  const kills = 4;
  const crowd = Array.from({ length: 10 }, async (_, n) => {
    while (killed.size < kills) statuses.push((await obedient(instances, n)).at(-1)!.status);
  });
  while (killed.size < kills) {
    const pid = await eventually(() => {
      const alive = hashProcesses().filter((one) => !killed.has(one));
      expect(alive).not.toEqual([]);
      return alive[0]!;
    });
    // It works by then, for ten at a time log in, over and over.
    const served = statuses.length;
    await eventually(() => expect(statuses.length).toBeGreaterThan(served + 20));
    killed.add(pid);
    process.kill(pid, 'SIGKILL');
  }
  await Promise.all(crowd);
  expect(new Set(statuses)).toEqual(new Set([201]));
});

test('the process that hashes is frozen: who waits is let in all the same, and then who it owed an answer', async () => {
  const instance = await start({ PASSWORD_CONCURRENCY: '1' });
  expect((await logIn(instance, 0)).status).toBe(201);
  const [pid = NaN] = hashProcesses();
  process.kill(pid, 'SIGSTOP');
  const statuses: number[] = [];
  const crowd = Array.from({ length: 20 }, async (_, n) => void statuses.push((await logIn(instance, n + 1)).status));
  await eventually(() => expect(statuses.length).toBeGreaterThanOrEqual(19));
  const page = await (await fetch(new URL('/metrics', running.at(-1)!.url))).text();
  // On a machine that is busy enough, the process has been taken for dead meanwhile, and another one computed some of them.
  expect(Number(/^flash_sale_passwords_guaranteed{.*} (\d+)$/m.exec(page)?.[1])).toBeGreaterThan(0);
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // it was
  }
  await Promise.all(crowd);
  expect(statuses).toEqual(Array(20).fill(201));
});

test('a stop ends the process that hashes, too', async () => {
  const instance = await start();
  expect((await logIn(instance, 1)).status).toBe(201);
  expect(hashProcesses()).toHaveLength(1);
  await running.pop()!.stop();
  await eventually(() => expect(hashProcesses()).toEqual([]));
});
