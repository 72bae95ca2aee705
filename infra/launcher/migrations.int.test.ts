import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '@flash-sale/shared/db/migrate.ts';
import { patience } from '@flash-sale/shared/db/in-turn.ts';
import type { Kysely, KyselyPlugin, Migration } from 'kysely';
import { migrateByKysely } from '@flash-sale/shared/testing/migrate-by-kysely.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { readSchema } from '../testing/release/schema.ts';
import { databases, type DatabaseName } from './database-names.ts';
import { servicesWithDatabase } from '@flash-sale/contract/services.ts';
import { withClient } from './databases.ts';
import { migrations } from './set-up.ts';

type Migrations = Record<string, Migration>;

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase('migrations');
});
afterEach(() => database.drop());

const run = (sql: string) => withClient(database.adminUrl, (client) => client.query<Record<string, unknown>>(sql));
const schema = async () => {
  const { rows } = await run('SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid');
  expect(rows).toEqual([]);
  return readSchema(database.adminUrl);
};
/** The first name that a release does not know which can be gone back to: the one without leases, and the last one. */
const unknownFrom = ['0010', '0050'];
const ofEarlierRelease = (name: DatabaseName, unknown: string): Migrations =>
  Object.fromEntries(Object.entries(migrations[name]).filter(([one]) => one < unknown));

describe.each(databases)('the migrations of %s', (name) => {
  test('may be repeated, as they are after a roll-back to a release that knows fewer', async () => {
    await migrate(database.ownerUrl, migrations[name]);
    const before = await schema();
    await run('DELETE FROM kysely_migration');
    await migrate(database.ownerUrl, migrations[name]);
    expect(await schema()).toEqual(before);
  });

  test.each(unknownFrom)(
    'can be taken from the list from %s on, for a roll-back to a release that knows none of them',
    async (unknown) => {
      const earlier = ofEarlierRelease(name, unknown);
      await migrate(database.ownerUrl, migrations[name]);
      const hasMore = Object.keys(migrations[name]).length > Object.keys(earlier).length;
      if (hasMore)
        expect(await migrateByKysely(database.ownerUrl, earlier)).toMatchObject({
          message: expect.stringMatching(/corrupted/),
        });
      // As docs/operations.md tells to, where there is more than one database and name.
      await run(`DELETE FROM kysely_migration WHERE name >= '${unknown}'`);
      expect(await migrateByKysely(database.ownerUrl, earlier)).toBeUndefined();
    },
  );

  test('may break off before any of their statements, and are completed by who comes then', async () => {
    await migrate(database.ownerUrl, migrations[name]);
    const whole = await schema();
    await database.drop();
    database = await createTestDatabase('migrations');
    const breaking = breakingOff(migrations[name]);
    let breaks = 0;
    for (; await isBrokenOff(migrate(database.ownerUrl, breaking)); breaks += 1);
    expect(breaks).toBeGreaterThan(0);
    expect(await schema()).toEqual(whole);
  });
});

/** Each as if the process, the server or the connection were gone before its first statement, then before its second … */
function breakingOff(all: Migrations): Migrations {
  const entries = Object.entries(all).map(([name, migration]) => {
    let allowed = 0;
    const up = async (db: Kysely<unknown>) => {
      let left = allowed;
      allowed += 1;
      const counting: KyselyPlugin = {
        transformQuery({ node }) {
          if (left === 0) throw new Error(brokenOff);
          left -= 1;
          return node;
        },
        transformResult: ({ result }) => Promise.resolve(result),
      };
      await migration.up(db.withPlugin(counting));
    };
    return [name, { up }] as const;
  });
  return Object.fromEntries(entries);
}

const brokenOff = 'broken off';
const isBrokenOff = (migrated: Promise<void>) =>
  migrated.then(
    () => false,
    (error: Error) => {
      expect(error.message).toBe(brokenOff);
      return true;
    },
  );

describe.each(servicesWithDatabase)('the migrations of %s beside processes of the release before', (name) => {
  test('neither deadlock with them nor let them queue up', async () => {
    await migrate(database.ownerUrl, ofEarlierRelease(name, '0010'));
    const { rows } = await run(
      `SELECT tablename AS name FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT LIKE 'kysely_%' ORDER BY tablename = 'outbox', tablename`,
    );
    const statements = [
      ...rows.map((table) => `LOCK TABLE ${String(table['name'])} IN ROW EXCLUSIVE MODE`),
      `INSERT INTO outbox (id, events, next_attempt_at) VALUES (gen_random_uuid(), '[]', now())`,
    ];
    const done = new AbortController();
    const atWork = [0, 1, 2].map(() => Promise.withResolvers<void>());
    const writers = atWork.map(({ resolve }) => write(statements, done.signal, resolve));
    try {
      const meanwhile = async () => {
        await Promise.all(atWork.map(({ promise }) => promise));
        await migrate(database.ownerUrl, migrations[name]);
      };
      await Promise.race([meanwhile(), Promise.all(writers)]);
    } finally {
      done.abort();
    }
    for (const maxMs of await Promise.all(writers)) expect(maxMs).toBeLessThan(10 * patience.lockTimeoutMs);
    expect((await run('SELECT name FROM kysely_migration ORDER BY name')).rows).toEqual(
      Object.keys(migrations[name]).map((one) => ({ name: one })),
    );
  });
});

/**
 * Transactions as the lane's are: it locks the tables of its domain, then the outbox.
 * @param onDone called after each
 * @returns the longest time of a statement, in ms
 * @throws on the first error
 */
async function write(statements: string[], signal: AbortSignal, onDone: () => void): Promise<number> {
  let maxMs = 0;
  await withClient(database.url, async (client) => {
    while (!signal.aborted) {
      for (const statement of ['BEGIN', ...statements, 'COMMIT']) {
        const startedMs = performance.now();
        await client.query(statement);
        maxMs = Math.max(maxMs, performance.now() - startedMs);
      }
      onDone();
    }
  });
  return maxMs;
}
