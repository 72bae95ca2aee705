import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { session } from '@flash-sale/contract/api/schemas.ts';
import { openReads } from '@flash-sale/shared/db/connection.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { RunningService } from '@flash-sale/shared/service/service.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient } from '@flash-sale/shared/testing/service.ts';
import type { Kysely } from 'kysely';
import type { z } from 'zod';
import { withClient } from '../../../infra/launcher/databases.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { ensureAdmin } from './adapters/admin.ts';
import { demoPassword, lockDemoAccounts, unlockDemoAccounts } from './adapters/demo-accounts.ts';
import { hashPassword } from './adapters/passwords.ts';
import { pruneSessions } from './adapters/prune.ts';
import type { Tables } from './adapters/tables.ts';
import { startUser } from './testing/running.ts';

/* Accounts are locked before sessions, and both in the order of their ids, by the lane and by what runs beside it. */

let database: TestDatabase;
let redis: TestRedis;
let db: Kysely<Tables>;
const running: RunningService[] = [];
let instances: ReturnType<typeof jsonClient>[];

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase('user'), createTestRedis()]);
  for (let instance = 0; instance < 2; instance += 1) running.push(await startUser({ database, redis }));
  instances = running.map(({ url }) => jsonClient(url));
  db = openReads<Tables>({ url: database.url, poolSize: 2, statementTimeoutMs: 10_000, onError: () => {} });
});
afterAll(async () => {
  await db?.destroy();
  await Promise.all(running.map((service) => service.stop()));
  await Promise.all([database?.drop(), redis?.close()]);
});

const query = async <Row extends object>(text: string, values: unknown[] = []) =>
  withClient(database.adminUrl, async (client) => (await client.query(text, values)).rows as Row[]);

describe('what changes several rows beside the lane', () => {
  let made = 0;
  /** Two accounts of the demo, and a session of each; the later ids stand first in the tables. */
  async function twoAccounts() {
    const [accounts, sessions] = [
      [newId(), newId()],
      [newId(), newId()],
    ] as [[string, string], [string, string]];
    const hash = await hashPassword(demoPassword);
    for (const index of [1, 0]) {
      made += 1;
      const email = `shopper${made}@example.com`;
      await query(`INSERT INTO account (id, email, password_hash, role) VALUES ($1, $2, $3, 'shopper')`, [
        accounts[index],
        email,
        hash,
      ]);
      await aSession(sessions[index]!, accounts[index]!);
    }
    return { accounts, sessions };
  }
  const aSession = (id: string, userId: string) =>
    query(`INSERT INTO session (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + interval '1 hour')`, [
      id,
      userId,
      id,
    ]);

  /** While somebody holds the first row, the work waits, and does not have the second. */
  async function expectInOrder(
    table: 'account' | 'session',
    [first, second]: [string, string],
    work: () => Promise<unknown>,
  ) {
    await withClient(database.adminUrl, async (holder) => {
      await holder.query('BEGIN');
      await holder.query(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [first]);
      const working = work();
      try {
        const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        await eventually(async () => expect(await query(waiting)).toHaveLength(1));
        await holder.query(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE NOWAIT`, [second]);
      } finally {
        await holder.query('ROLLBACK');
        await working;
      }
    });
  }
  const lock = () => withClient(database.url, (client) => lockDemoAccounts(client));

  test('locking the demo’s accounts', async () => {
    const { accounts } = await twoAccounts();
    await expectInOrder('account', accounts, lock);
  });

  test('ending their sessions', async () => {
    const { sessions } = await twoAccounts();
    await expectInOrder('session', sessions, lock);
  });

  test('unlocking them', async () => {
    const { accounts } = await twoAccounts();
    await lock();
    await expectInOrder('account', accounts, () => withClient(database.url, unlockDemoAccounts));
  });

  test('the admin of the configuration, who ends all sessions of whoever had the address', async () => {
    const [id, sessions] = [newId(), [newId(), newId()] as [string, string]];
    const insert = `INSERT INTO account (id, email, password_hash, role) VALUES ($1, 'boss@example.com', 'x', 'shopper')`;
    await query(insert, [id]);
    for (const session of sessions.toReversed()) await aSession(session, id);
    await expectInOrder('session', sessions, () => ensureAdmin(db, 'boss@example.com', 'a good password'));
  });
});

describe('everything at once, over two instances', () => {
  const passwords = ['a good password', 'one that is better', 'one that is best'] as const;
  const [old] = passwords;
  const logIn = async (email: string, password: string, on = 0) => {
    const answer = await instances[on]!<z.output<typeof session>>('POST', '/api/sessions', {
      body: { email, password },
    });
    return { status: answer.status, ...answer.body };
  };
  const statusOf = async (method: string, path: string, on: number, options: object) =>
    (await instances[on]!(method, path, options)).status;
  const refresh = (refreshToken: string, on = 0) =>
    statusOf('POST', '/api/sessions/refresh', on, { body: { refreshToken } });
  const change = (token: string, newPassword: string, on: number) =>
    statusOf('PUT', '/api/users/me/password', on, { token, body: { currentPassword: old, newPassword } });
  const remove = (token: string, on: number) =>
    statusOf('DELETE', '/api/users/me', on, { token, body: { password: old } });
  const logOut = (token: string, on: number) => statusOf('DELETE', '/api/sessions/current', on, { token });

  async function oneAccount(email: string): Promise<void> {
    const body = { email, password: old };
    expect(await statusOf('POST', '/api/users', 0, { body })).toBe(201);
    const [first, second, third] = [await logIn(email, old), await logIn(email, old), await logIn(email, old)];
    const [firstChange, secondChange, removal, out, refreshed, late] = await Promise.all([
      change(first.accessToken, passwords[1], 0),
      change(second.accessToken, passwords[2], 1),
      remove(second.accessToken, 0),
      logOut(third.accessToken, 1),
      refresh(third.refreshToken, 0),
      logIn(email, old, 1),
      pruneSessions(db, 1_000),
    ]);
    // Of what needs the password as it was, exactly one has found it so.
    const won = [firstChange === 200, secondChange === 200, removal === 204];
    expect(won.filter(Boolean)).toHaveLength(1);
    expect([firstChange, secondChange, removal].filter((status) => status === 401)).toHaveLength(2);
    expect([204, 401]).toContain(out);
    expect([201, 401]).toContain(refreshed);
    expect([201, 401]).toContain(late.status);
    const password = won[0] ? passwords[1] : won[1] ? passwords[2] : undefined;
    for (const one of passwords) expect((await logIn(email, one)).status).toBe(one === password ? 201 : 401);
    expect(await refresh(first.refreshToken)).toBe(won[0] ? 201 : 401);
    expect(await refresh(second.refreshToken, 1)).toBe(won[1] ? 201 : 401);
    expect(await refresh(third.refreshToken)).toBe(401);
    if (late.status === 201) expect(await refresh(late.refreshToken)).toBe(401);
  }

  test('no two wait for each other, and each account ends in one way', async () => {
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(Array.from({ length: 4 }, (_, index) => oneAccount(`crowd-${round}-${index}@example.com`)));
    }
    // A backend adds what it has counted when it ends, at the latest.
    await Promise.all(running.splice(0).map((service) => service.stop()));
    await db.destroy();
    const others = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    await eventually(async () => expect(await query(others)).toEqual([]));
    const deadlocks = 'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()';
    expect(await query(deadlocks)).toEqual([{ deadlocks: 0 }]);
  });
});
