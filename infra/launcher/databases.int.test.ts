import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { startTestPostgres, type TestServer } from '../testing/servers.ts';
import { auditorRole, databases, type DatabaseName } from './database-names.ts';
import { servicesWithDatabase } from '@flash-sale/contract/services.ts';
import { createDatabase, databaseUrls, provision, specOf, withClient, type DatabaseUrls } from './databases.ts';
import type { Secrets } from './secrets.ts';
import { setUpDatabases } from './set-up.ts';

const roles = Object.fromEntries(databases.map((name) => [name, { owner: 'owner', runtime: 'runtime' }]));
const secrets = { auditorPassword: 'auditor', roles } as Secrets;

/** A server of its own: roles belong to the whole server, and other tests use theirs. */
let server: TestServer;
let urls: Record<DatabaseName, DatabaseUrls>;

beforeAll(async () => {
  server = await startTestPostgres();
  await provision(server.url, secrets);
  urls = databaseUrls(server.url, secrets);
  await run(urls.order.owner, 'CREATE TABLE things (id int GENERATED ALWAYS AS IDENTITY, name text)');
});
afterAll(() => server?.close());

const run = (url: string, sql: string) => withClient(url, (client) => client.query(sql));

describe('the databases of the services', () => {
  test('are set up again without harm', async () => {
    await run(urls.order.runtime, "INSERT INTO things (name) VALUES ('kept')");
    await provision(server.url, secrets);
    expect((await run(urls.order.runtime, 'SELECT name FROM things')).rows).toEqual([{ name: 'kept' }]);
  });

  test('let a service change rows, but not tables', async () => {
    await run(urls.order.runtime, "INSERT INTO things (name) VALUES ('a'); UPDATE things SET name = 'b'");
    await run(urls.order.runtime, "DELETE FROM things WHERE name = 'b'");
    const refused = ['CREATE TABLE mine ()', 'DROP TABLE things', 'TRUNCATE things', 'ALTER TABLE things ADD x int'];
    for (const sql of refused) await expect(run(urls.order.runtime, sql)).rejects.toThrow(/permission|owner/);
    await expect(run(urls.order.runtime, 'CREATE TEMP TABLE mine ()')).rejects.toThrow(/permission/);
  });

  test('are closed to the other services', async () => {
    const strangers = [urls.payment.runtime, urls.payment.owner].map((url) => url.replace(/[^/]*$/, 'fs_order'));
    for (const url of strangers) await expect(run(url, 'SELECT 1')).rejects.toThrow(/permission denied for database/);
  });

  test('are open to the auditor, for reading only', async () => {
    for (const name of databases) {
      expect((await run(urls[name].auditor, 'SELECT current_user AS me')).rows).toEqual([{ me: auditorRole }]);
    }
    await run(urls.order.auditor, 'SELECT * FROM things');
    await expect(run(urls.order.auditor, "UPDATE things SET name = ''")).rejects.toThrow(/permission denied/);
  });
});

describe('a test database', () => {
  let database: TestDatabase;
  test('has the privileges of a real one, and goes away even while in use', async () => {
    database = await createTestDatabase('example');
    await run(database.ownerUrl, 'CREATE TABLE things (id int)');
    await run(database.url, 'INSERT INTO things VALUES (1)');
    await expect(run(database.url, 'DROP TABLE things')).rejects.toThrow(/owner/);
    await withClient(database.url, async (busy) => {
      await busy.query('SELECT 1');
      await database.drop();
    });
    await expect(run(database.url, 'SELECT 1')).rejects.toThrow();
  });
});

/** Each a state in which a server of an earlier release, or of an operator, may be found. */
describe.each([
  ['with nothing in it', { before: () => Promise.resolve(), provisioned: false }],
  ['set up before', { before: (url: string) => setUpDatabases(url, secrets).then(() => {}), provisioned: false }],
  ['that a later release has set up', { before: byLaterRelease, provisioned: false }],
  ['on which services could forge their migrations', { before: forgeable, provisioned: false }],
  ['whose databases and roles an operator has made', { before: byOperator, provisioned: true }],
])('a server %s', (_, { before, provisioned }) => {
  let own: TestServer;
  let reached: Record<DatabaseName, DatabaseUrls>;
  beforeAll(async () => {
    own = await startTestPostgres();
    await before(own.url);
    reached = await setUpDatabases(own.url, secrets, { provisioned });
  });
  afterAll(() => own?.close());

  test('has the tables, and lets each service work with their rows', async () => {
    for (const name of servicesWithDatabase) await run(reached[name].runtime, 'DELETE FROM outbox');
    await run(reached.gateway.runtime, 'UPDATE ledger SET attempts = 1');
  });

  test.each(databases)('shows its migrations to the service of %s, which cannot change them', async (name) => {
    const url = reached[name].runtime;
    expect((await run(url, 'SELECT name FROM kysely_migration')).rowCount).toBeGreaterThan(0);
    for (const sql of [
      'DELETE FROM kysely_migration',
      "INSERT INTO kysely_migration VALUES ('9999', '')",
      "UPDATE kysely_migration SET name = ''",
      'DELETE FROM kysely_migration_lock',
      'SELECT FROM kysely_migration_lock FOR UPDATE',
    ])
      await expect(run(url, sql)).rejects.toThrow(/permission denied for table/);
  });
});

async function byLaterRelease(url: string): Promise<void> {
  const later = await setUpDatabases(url, secrets);
  for (const name of databases)
    await run(later[name].owner, "INSERT INTO kysely_migration VALUES ('9999-later', '2999-01-01T00:00:00.000Z')");
}

async function forgeable(url: string): Promise<void> {
  const earlier = await setUpDatabases(url, secrets);
  for (const name of databases) {
    const { runtime } = specOf(name, secrets);
    await run(earlier[name].owner, `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${runtime.name}`);
    await run(earlier[name].runtime, 'DELETE FROM kysely_migration_lock WHERE false');
  }
}

async function byOperator(url: string): Promise<void> {
  await withClient(url, async (admin) => {
    for (const name of databases) await createDatabase(admin, specOf(name, secrets));
  });
}
