import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql, type Kysely, type Migration } from 'kysely';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { eventually } from '../testing/eventually.ts';
import { migrateByKysely } from '../testing/migrate-by-kysely.ts';
import { buildIndex } from './build-index.ts';
import type { Patience } from './in-turn.ts';
import { ensureMigrated, migrate } from './migrate.ts';

let database: TestDatabase;
let admin: pg.Client;
beforeEach(async () => {
  database = await createTestDatabase('migrate');
  admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
});
afterEach(async () => {
  await admin.end();
  await database.drop();
});

const statement = (text: string): Migration => ({
  up: async (db: Kysely<unknown>) => void (await sql.raw(text).execute(db)),
});
const first = { '0001-shelf': statement('CREATE TABLE shelf (id int PRIMARY KEY)') };

const columns = async () =>
  (
    await admin.query<{ column_name: string }>(
      `SELECT column_name FROM information_schema.columns WHERE table_name = 'shelf'`,
    )
  ).rows.map((row) => row.column_name);

test('runs each migration once, also when new ones are added later', async () => {
  const counted = { ...first, '0002-row': statement('INSERT INTO shelf SELECT count(*) FROM shelf') };
  await migrate(database.ownerUrl, first);
  await migrate(database.ownerUrl, counted);
  await migrate(database.ownerUrl, counted);
  expect((await admin.query('SELECT id FROM shelf')).rows).toEqual([{ id: 0 }]);
});

test('several that start at once, of releases before, too, run each migration once between them', async () => {
  const slow = {
    ...first,
    '0002-slow': statement('INSERT INTO shelf SELECT count(*) FROM shelf, LATERAL pg_sleep(0.3)'),
  };
  const old = () => migrateByKysely(database.ownerUrl, slow).then((error) => expect(error).toBeUndefined());
  await migrate(database.ownerUrl, first);
  await Promise.all([0, 1, 2].flatMap(() => [migrate(database.ownerUrl, slow), old()]));
  expect((await admin.query('SELECT id FROM shelf')).rows).toEqual([{ id: 0 }]);
});

test('one that fails is reported, and applied from its start when it has been repaired', async () => {
  const broken: Migration = {
    up: async (db) => {
      await sql`ALTER TABLE shelf ADD COLUMN IF NOT EXISTS colour text`.execute(db);
      await sql`ALTER TABLE shelf ADD COLUMN size text, ADD CHECK (no_such_function())`.execute(db);
    },
  };
  await expect(migrate(database.ownerUrl, { ...first, '0002-broken': broken })).rejects.toThrow(/no_such_function/);
  expect(await columns()).toEqual(['id', 'colour']);

  const repaired: Migration = {
    up: async (db) => {
      await sql`ALTER TABLE shelf ADD COLUMN IF NOT EXISTS colour text`.execute(db);
      await sql`ALTER TABLE shelf ADD COLUMN IF NOT EXISTS size text`.execute(db);
    },
  };
  await migrate(database.ownerUrl, { ...first, '0002-broken': repaired });
  expect(await columns()).toEqual(['id', 'colour', 'size']);
});

test('what a later release has applied is left alone, and so is its name on the list', async () => {
  const later = { ...first, '0002-later': statement('ALTER TABLE shelf ADD COLUMN later text') };
  await migrate(database.ownerUrl, later);
  await migrate(database.ownerUrl, first);
  await ensureMigrated({ url: database.url, ownerUrl: database.ownerUrl }, first);
  await migrate(database.ownerUrl, later);
  expect(await columns()).toEqual(['id', 'later']);
  expect((await admin.query('SELECT name FROM kysely_migration ORDER BY name')).rows).toEqual(
    Object.keys(later).map((name) => ({ name })),
  );
});

describe('beside a running shop', () => {
  const inSeconds: Patience = { lockTimeoutMs: 100, attempts: 3, pauseMs: 20 };
  const colour = { ...first, '0002-colour': statement('ALTER TABLE shelf ADD COLUMN IF NOT EXISTS colour text') };
  const index: Record<string, Migration> = {
    ...first,
    '0002-index': { up: (db) => buildIndex(db, 'by_id', 'shelf (id)') },
  };
  let shop: pg.Client;
  let reader: pg.Client;
  beforeEach(async () => {
    await migrate(database.ownerUrl, first);
    [shop, reader] = [1, 2].map(() => new pg.Client({ connectionString: database.url })) as [pg.Client, pg.Client];
    await Promise.all([shop.connect(), reader.connect()]);
    await admin.query('INSERT INTO shelf SELECT generate_series(1, 1000)');
  });
  afterEach(() => Promise.all([shop.end(), reader.end()]));

  /** @returns who waits for a lock in such a statement, as soon as it has done so for that long */
  const untilWaiting = (query: string, forMs = 0) =>
    eventually(async () => {
      const { rows } = await admin.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1
            AND query_start <= clock_timestamp() - $2 * interval '1 millisecond'`,
        [query, forMs],
      );
      if (rows.length === 0) throw new Error(`nobody waits in ${query}`);
      return rows[0]!.pid;
    });
  /** Whether they wait there or ask again and again. */
  const untilLookingAtTheLock = () =>
    eventually(async () => {
      const { rows } = await admin.query(
        `SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%advisory_lock(%'`,
      );
      expect(rows).toHaveLength(2);
    });
  const indexes = async () =>
    (
      await admin.query<{ name: string; valid: boolean }>(
        `SELECT relname AS name, indisvalid AS valid FROM pg_index JOIN pg_class c ON c.oid = indexrelid
          WHERE indrelid = 'shelf'::regclass AND NOT indisprimary`,
      )
    ).rows;

  test('a transaction that goes on for ever makes it give up in one sentence, and nothing is changed', async () => {
    await reader.query('BEGIN; SELECT FROM shelf');
    await expect(migrate(database.ownerUrl, colour, inSeconds)).rejects.toThrow(
      /^the migration 0002-colour was tried 3 times and never got its lock in time: .* run the set-up again$/,
    );
    expect(await columns()).toEqual(['id']);
    await shop.query('INSERT INTO shelf VALUES (0)');

    await reader.query('COMMIT');
    await migrate(database.ownerUrl, colour, inSeconds);
    expect(await columns()).toEqual(['id', 'colour']);
  });

  test('it lets others get on between its attempts, and succeeds when it can', async () => {
    await reader.query('BEGIN; SELECT FROM shelf');
    const migrated = migrate(database.ownerUrl, colour, { ...inSeconds, attempts: 10_000 });
    await untilWaiting('ALTER TABLE%');
    await shop.query('INSERT INTO shelf VALUES (0)');
    await reader.query('COMMIT');
    await migrated;
    expect(await columns()).toEqual(['id', 'colour']);
  });

  test('an index is built while others write', async () => {
    await shop.query('BEGIN; UPDATE shelf SET id = -id WHERE id = 1');
    const migrated = migrate(database.ownerUrl, index, inSeconds);
    await untilWaiting('CREATE INDEX%');
    await reader.query('UPDATE shelf SET id = -id WHERE id = 2');
    await shop.query('COMMIT');
    await migrated;
    expect(await indexes()).toEqual([{ name: 'by_id', valid: true }]);
  });

  test('an index whose build was killed is built again', async () => {
    await shop.query('BEGIN; UPDATE shelf SET id = -id WHERE id = 1');
    const killed = migrate(database.ownerUrl, index, inSeconds).catch((error: Error) => error);
    await admin.query('SELECT pg_terminate_backend($1)', [await untilWaiting('CREATE INDEX%')]);
    expect((await killed) as Error).toMatchObject({ message: expect.stringMatching(/terminat/) });
    expect(await indexes()).toEqual([{ name: 'by_id', valid: false }]);

    await shop.query('COMMIT');
    await migrate(database.ownerUrl, index, inSeconds);
    expect(await indexes()).toEqual([{ name: 'by_id', valid: true }]);
  });

  test('set-ups at once do not wait for each other for ever while an index is built', async () => {
    await shop.query('BEGIN; UPDATE shelf SET id = -id WHERE id = 1');
    const once = { ...inSeconds, attempts: 1 };
    const migrated = [migrate(database.ownerUrl, index, once)];
    await untilWaiting('CREATE INDEX%');
    migrated.push(migrate(database.ownerUrl, index, once), migrate(database.ownerUrl, index, once));
    await untilLookingAtTheLock();
    await shop.query('COMMIT');
    await Promise.all(migrated);
    expect(await indexes()).toEqual([{ name: 'by_id', valid: true }]);
  });

  test('one of a release before that waits for its turn with a snapshot is let go first', async () => {
    // Who closes the circle is who PostgreSQL ends: the build, for the other one has waited for longer than this already.
    await admin.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 50', current_database()); END $$`,
    );
    await shop.query('BEGIN; UPDATE shelf SET id = -id WHERE id = 1');
    const migrated = migrate(database.ownerUrl, index, inSeconds);
    await untilWaiting('CREATE INDEX%');
    const old = migrateByKysely(database.ownerUrl, first);
    await untilWaiting('%pg_advisory_lock%', 500);
    await shop.query('COMMIT');
    await migrated;
    expect(await indexes()).toEqual([{ name: 'by_id', valid: true }]);
    // It may not know the later migration; then it is started again.
    await old;
  });
});

test('leaves no connection behind, whether it succeeds or fails', async () => {
  await migrate(database.ownerUrl, first);
  await migrate(database.ownerUrl, { ...first, '0002-broken': statement('SELECT 1/0') }).catch(() => {});
  const owner = new URL(database.ownerUrl).username;
  await eventually(async () => {
    const { rowCount } = await admin.query('SELECT FROM pg_stat_activity WHERE usename = $1', [owner]);
    expect(rowCount).toBe(0);
  });
});

test('a server that is not there is reported', async () => {
  const error = await migrate('postgres://nobody@127.0.0.1:9/none', first).catch((thrown: Error) => thrown);
  // Jest's own realm has another class Error than the net module; seen from there it is a cause.
  expect((error as Error).cause ?? error).toMatchObject({ code: 'ECONNREFUSED' });
});

test('the role of the service can change rows, but no table', async () => {
  await migrate(database.ownerUrl, first);
  const service = new pg.Client({ connectionString: database.url });
  await service.connect();
  try {
    await service.query('INSERT INTO shelf VALUES (1)');
    await expect(service.query('DROP TABLE shelf')).rejects.toMatchObject({ code: '42501' });
    await expect(service.query('TRUNCATE shelf')).rejects.toMatchObject({ code: '42501' });
    await expect(service.query('CREATE TABLE other (id int)')).rejects.toMatchObject({ code: '42501' });
  } finally {
    await service.end();
  }
});

test('what was migrated is told to the role of the service, and only the owner can change it', async () => {
  await Promise.all(Array.from({ length: 4 }, () => migrate(database.ownerUrl, first)));
  const service = new pg.Client({ connectionString: database.url });
  await service.connect();
  try {
    expect((await service.query('SELECT name FROM kysely_migration')).rows).toEqual([{ name: '0001-shelf' }]);
    await expect(service.query('DELETE FROM kysely_migration')).rejects.toMatchObject({ code: '42501' });
    await expect(service.query('DELETE FROM kysely_migration_lock')).rejects.toMatchObject({ code: '42501' });
  } finally {
    await service.end();
  }
});

describe('who has no URL of the owner', () => {
  const check = (migrations: Record<string, Migration>) =>
    ensureMigrated({ url: database.url, ownerUrl: undefined }, migrations);

  test('goes on when its migrations were applied, also by a later release that has more', async () => {
    await migrate(database.ownerUrl, { ...first, '0002-later': statement('ALTER TABLE shelf ADD COLUMN later text') });
    await check(first);
  });

  test('says which are missing and what to do, and changes nothing', async () => {
    await expect(check(first)).rejects.toThrow(
      /^the database t_migrate_\w+ lacks the migrations 0001-shelf: run the set-up/,
    );
    await migrate(database.ownerUrl, first);
    await expect(check({ ...first, '0002-b': statement(''), '0003-c': statement('') })).rejects.toThrow(
      / lacks the migrations 0002-b, 0003-c: run /,
    );
    expect(await columns()).toEqual(['id']);
  });
});
