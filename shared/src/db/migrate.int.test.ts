import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql, type Kysely, type Migration } from 'kysely';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { eventually } from '../testing/eventually.ts';
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

test('several instances that start at once run each migration once between them', async () => {
  const slow = {
    ...first,
    '0002-slow': statement('INSERT INTO shelf SELECT count(*) FROM shelf, LATERAL pg_sleep(0.3)'),
  };
  await Promise.all(Array.from({ length: 4 }, () => migrate(database.ownerUrl, slow)));
  expect((await admin.query('SELECT id FROM shelf')).rows).toEqual([{ id: 0 }]);
});

test('one that fails is rolled back as a whole, is reported, and may be repaired', async () => {
  const broken = {
    ...first,
    '0002-broken': statement('ALTER TABLE shelf ADD COLUMN colour text; SELECT no_such_function()'),
  };
  await expect(migrate(database.ownerUrl, broken)).rejects.toThrow(/no_such_function/);
  expect(await columns()).toEqual([]);

  await migrate(database.ownerUrl, { ...first, '0002-broken': statement('ALTER TABLE shelf ADD COLUMN colour text') });
  expect(await columns()).toEqual(['id', 'colour']);
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
