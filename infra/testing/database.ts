import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { createDatabase, grantPrivileges, urlFor, withClient, type DatabaseSpec } from '../launcher/databases.ts';

export interface TestDatabase {
  /** A superuser, in this database. */
  adminUrl: string;
  /** The role that owns the schema, for migrations. */
  ownerUrl: string;
  /** The runtime role, with exactly the privileges a service has. */
  url: string;
  /** Removes the database, even from under open connections, and its roles. */
  drop(): Promise<void>;
}

/**
 * A fresh, empty database of a unique name, set up like those of the services. It is on the server of `npm test` unless
 * another one is given.
 */
export async function createTestDatabase(
  name = 'test',
  serverUrl = process.env.TEST_DATABASE_URL,
): Promise<TestDatabase> {
  if (!serverUrl) throw new Error('TEST_DATABASE_URL is not set: run integration tests with npm test -- int');
  const database = `t_${name.toLowerCase().replaceAll(/\W/g, '_')}_${randomBytes(5).toString('hex')}`;
  const spec: DatabaseSpec = {
    database,
    owner: { name: `${database}_owner`, password: 'owner' },
    runtime: { name: database, password: 'runtime' },
  };
  await withClient(serverUrl, (admin) => createDatabase(admin, spec));
  await grantPrivileges(serverUrl, spec);
  return {
    adminUrl: urlFor(serverUrl, database),
    ownerUrl: urlFor(serverUrl, database, spec.owner.name, spec.owner.password),
    url: urlFor(serverUrl, database, spec.runtime.name, spec.runtime.password),
    drop: () => withClient(serverUrl, (admin) => dropDatabase(admin, spec)),
  };
}

async function dropDatabase(admin: pg.Client, { database, owner, runtime }: DatabaseSpec): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await admin.query(`DROP ROLE IF EXISTS ${runtime.name}`);
  await admin.query(`DROP ROLE IF EXISTS ${owner.name}`);
}
