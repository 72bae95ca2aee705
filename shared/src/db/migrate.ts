import pg from 'pg';
import { Kysely, PostgresDialect, sql, type Migration } from 'kysely';
import { inTurn, patience, type Patience } from './in-turn.ts';

const undefinedTable = '42P01';

/** As Kysely's own migrator has them, which earlier releases migrate by, and may again after a roll-back. */
const createRecords = `
  CREATE TABLE IF NOT EXISTS kysely_migration (name varchar(255) PRIMARY KEY, timestamp varchar(255) NOT NULL);
  CREATE TABLE IF NOT EXISTS kysely_migration_lock (
    id varchar(255) PRIMARY KEY, is_locked integer NOT NULL DEFAULT 0)`;

/**
 * Who may work with the rows of all tables may not forge which migrations were applied, or hold the lock of who applies
 * them. Roles of earlier releases may; so it is taken from whoever has it. Under a lock of its own: two who change the
 * rights of one table at once fail.
 */
const leaveRecordsToOwner = `
  SELECT pg_advisory_xact_lock(hashtext('flash-sale: rights on kysely_migration'));
  DO $$ DECLARE grantee text; BEGIN
    FOR grantee IN
      SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END
        FROM pg_class, aclexplode(relacl) AS acl
       WHERE oid IN ('kysely_migration'::regclass, 'kysely_migration_lock'::regclass)
         AND acl.grantee <> relowner AND acl.privilege_type <> 'SELECT'
    LOOP
      EXECUTE 'REVOKE ALL ON kysely_migration, kysely_migration_lock FROM ' || grantee;
      EXECUTE 'GRANT SELECT ON kysely_migration, kysely_migration_lock TO ' || grantee;
    END LOOP;
  END $$`;

/**
 * Brings a schema up to date with the owner's role and disconnects: applies what is not on the list of migrations, in the
 * order of names. What a later release has applied and this one does not know is left alone. Safe when several start at
 * once. Afterwards nobody but the owner may write to that list.
 *
 * It does so beside processes that use the tables, also those of the release before. So each statement of a migration is a
 * transaction of its own, that locks one table and waits for it a moment only: it can neither deadlock with them nor let
 * them queue up for long. A migration that broke off anywhere is applied again from its start. Hence its statements are to
 * be such that they may be repeated (IF NOT EXISTS), and an index on a table in use is made by `buildIndex`.
 * @throws what the failing statement throws; what was done before it stays, and only adds. In one sentence, when a
 *   transaction kept a table for as long as `waiting` allows
 */
export async function migrate(
  url: string,
  migrations: Record<string, Migration>,
  waiting: Patience = patience,
): Promise<void> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: 5_000,
    lock_timeout: waiting.lockTimeoutMs,
  });
  // The statement under way tells of a lost connection; without listeners it would end the process as well.
  pool.on('error', () => {}).on('connect', (client) => client.on('error', () => {}));
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await kysely.connection().execute(async (db) => {
      for (const name of Object.keys(migrations).sort())
        await inTurn(db, `the migration ${name}`, () => apply(db, name, migrations[name]!), waiting);
      const leave = () => sql.raw(leaveRecordsToOwner).execute(db);
      await inTurn(db, 'taking the list of migrations from others', leave, waiting);
    });
  } finally {
    await kysely.destroy();
  }
}

async function apply(db: Kysely<unknown>, name: string, migration: Migration): Promise<void> {
  await sql.raw(createRecords).execute(db);
  const { rows } = await sql`SELECT FROM kysely_migration WHERE name = ${name}`.execute(db);
  if (rows.length > 0) return;
  await migration.up(db);
  await sql`INSERT INTO kysely_migration VALUES (${name}, ${new Date().toISOString()})`.execute(db);
}

/**
 * Brings the schema up to date if an owner's URL is given, and otherwise finds out whether somebody has.
 * @throws naming what is missing; what `migrate` throws; when the database cannot be reached
 */
export function ensureMigrated(
  { url, ownerUrl }: { url: string; ownerUrl: string | undefined },
  migrations: Record<string, Migration>,
): Promise<void> {
  return ownerUrl === undefined ? assertMigrated(url, migrations) : migrate(ownerUrl, migrations);
}

async function assertMigrated(url: string, migrations: Record<string, Migration>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client
      .query<{ name: string }>('SELECT name FROM kysely_migration')
      .catch((error: { code?: string }) => {
        if (error.code === undefinedTable) return { rows: [] };
        throw error;
      });
    const applied = new Set(rows.map(({ name }) => name));
    const missing = Object.keys(migrations).filter((name) => !applied.has(name));
    if (missing.length === 0) return;
    throw new Error(
      `the database ${new URL(url).pathname.slice(1)} lacks the migrations ${missing.join(', ')}: run the set-up of this ` +
        'release first (infra/docker/setup.ts; npm start and Compose do so themselves), or give MIGRATION_DATABASE_URL',
    );
  } finally {
    await client.end();
  }
}
