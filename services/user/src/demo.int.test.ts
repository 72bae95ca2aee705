import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { session } from '@flash-sale/contract/api/schemas.ts';
import { MemoryNetwork, memoryTransport } from '@flash-sale/shared/messaging/memory-transport.ts';
import { startService, type RunningService } from '@flash-sale/shared/service/service.ts';
import { jsonClient, testConfig, testEnvironment } from '@flash-sale/shared/testing/service.ts';
import type { z } from 'zod';
import { withClient } from '../../../infra/launcher/databases.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { hashPassword } from './adapters/passwords.ts';
import { configSchema } from './config.ts';
import { userService } from './service.ts';

let database: TestDatabase;
let redis: TestRedis;
let service: RunningService;
let call: ReturnType<typeof jsonClient>;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase('user'), createTestRedis()]);
  const where = {
    DATABASE_URL: database.url,
    MIGRATION_DATABASE_URL: database.ownerUrl,
    REDIS_URL: redis.urlOf('user'),
  };
  const config = testConfig(configSchema, { ...where, RATE_LIMIT_EXEMPT: '127.0.0.0/8' });
  service = await startService(userService, config, () => ({ transport: memoryTransport(new MemoryNetwork()) }));
  call = jsonClient(service.url);
});
afterAll(async () => {
  await service?.stop();
  await Promise.all([database?.drop(), redis?.close()]);
});

const demoPassword = 'flash-sale-demo';
const logIn = (email: string, password = demoPassword) =>
  call<z.output<typeof session>>('POST', '/api/sessions', { body: { email, password } });
const statusOf = async (email: string, password?: string) => (await logIn(email, password)).status;

/** Runs the script as the launcher does. */
const run = (script: 'demo' | 'demo-end', settings: Record<string, string> = {}) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, `${script}.ts`)], {
    env: {
      ...testEnvironment({ DATABASE_URL: database.url, REDIS_URL: redis.urlOf('user') }),
      DEMO_SHOPPERS: '40',
      ...settings,
    },
  });

describe('a start without the demo, on data that has had it', () => {
  test('locks its admin whatever the password is by now, for anybody may have changed it; not the admin of the shop', async () => {
    await run('demo');
    const changed = await hashPassword('chosen by a stranger');
    const change = () =>
      withClient(database.adminUrl, (db) =>
        db.query("UPDATE account SET password_hash = $1 WHERE email = 'admin@example.com'", [changed]),
      );
    await change();
    const own = { ADMIN_EMAIL: 'admin@example.com', ADMIN_PASSWORD: 'chosen by a stranger' };
    await run('demo-end', own);
    expect(await statusOf('admin@example.com', 'chosen by a stranger')).toBe(201);
    await run('demo-end');
    expect(await statusOf('admin@example.com', 'chosen by a stranger')).toBe(401);
    await run('demo');
    expect(await statusOf('admin@example.com')).toBe(201);
  });

  test('locks its accounts and ends their sessions; a start with it unlocks them', async () => {
    await run('demo');
    const own = { email: 'shopper3@example.com', password: 'chosen by its owner' };
    const ownHash = await hashPassword(own.password);
    await withClient(database.adminUrl, (db) =>
      db.query('UPDATE account SET password_hash = $2 WHERE email = $1', [own.email, ownHash]),
    );
    // Somebody's own account, whose password happens to be the demo's, is none of it.
    const body = { email: 'somebody@shop.example', password: demoPassword };
    expect((await call('POST', '/api/users', { body })).status).toBe(201);
    const { refreshToken } = (await logIn('admin@example.com')).body;

    expect((await run('demo-end')).stdout).toBe('locked 40 demo accounts\n');
    for (const email of ['admin@example.com', 'shopper1@example.com', 'shopper40@example.com'])
      expect([email, await statusOf(email)]).toEqual([email, 401]);
    expect((await call('POST', '/api/sessions/refresh', { body: { refreshToken } })).status).toBe(401);
    expect(await statusOf(own.email, own.password)).toBe(201);
    expect(await statusOf(body.email)).toBe(201);
    expect((await run('demo-end')).stdout).toBe('');

    expect((await run('demo')).stdout).toBe('unlocked 40 demo accounts\n');
    for (const email of ['admin@example.com', 'shopper40@example.com'])
      expect([email, await statusOf(email)]).toEqual([email, 201]);
    expect(await statusOf(own.email, own.password)).toBe(201);
  });
});

describe('the demo where others can come in', () => {
  test.each([
    ['0.0.0.0', '0', false],
    ['10.0.0.1', '0', false],
    ['::', '0', false],
    ['0.0.0.0', '1', true],
    ['127.0.0.1', '0', true],
    ['::1', '0', true],
  ])('on %s with PUBLIC_DEMO=%s: %s', async (address, isPublic, starts) => {
    const outcome = await run('demo', { PUBLISH_ADDRESS: address, PUBLIC_DEMO: isPublic }).then(
      () => 'started',
      ({ code, stderr }: { code: number; stderr: string }) => `${code} ${stderr}`,
    );
    if (starts) expect(outcome).toBe('started');
    else expect(outcome).toMatch(/^78 The demo has an admin .* PUBLIC_DEMO=1\.\n$/);
  });
});
