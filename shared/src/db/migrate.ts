import pg from 'pg';
import { Kysely, Migrator, PostgresDialect, type Migration } from 'kysely';

const undefinedTable = '42P01';

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
 * Brings a schema up to date with the owner's role and disconnects. Safe when several instances start at once: the
 * migrator holds an advisory lock meanwhile. Afterwards nobody but the owner may write to what it has kept of them.
 * @throws what the failing migration throws; its transaction is rolled back
 */
export async function migrate(url: string, migrations: Record<string, Migration>): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: 5_000 });
  // The statement under way tells of a lost connection; without listeners it would end the process as well.
  pool.on('error', () => {}).on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
    const { error } = await migrator.migrateToLatest();
    if (error) throw error instanceof Error ? error : new Error('migration failed', { cause: error });
    await pool.query(leaveRecordsToOwner);
  } finally {
    await db.destroy();
  }
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
