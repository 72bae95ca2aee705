import { sql, type Kysely } from 'kysely';

/**
 * Nobody waits behind a build, which itself waits for every transaction that was there before it: for a read of minutes,
 * such as a dump, too.
 */
const lockTimeoutMs = 60_000;

/**
 * Builds an index on a table that is in use and may be large, without keeping anybody from reading or writing it. A build
 * that broke off leaves an index that nobody reads by and every write pays for: it is dropped, and built again.
 * @param on the table and what follows it, such as `holds (user_id) WHERE state = 'held'`
 */
export async function buildIndex(db: Kysely<unknown>, name: string, on: string): Promise<void> {
  await inNoHurry(db, async (connection) => {
    const { rows } = await sql`
      SELECT FROM pg_index WHERE indexrelid = to_regclass(${name}) AND NOT indisvalid`.execute(connection);
    if (rows.length > 0) await sql`DROP INDEX CONCURRENTLY IF EXISTS ${sql.ref(name)}`.execute(connection);
    await sql`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${sql.ref(name)} ON ${sql.raw(on)}`.execute(connection);
  });
}

/** Takes an index away in the same manner. The release before must get on without it. */
export async function dropIndex(db: Kysely<unknown>, name: string): Promise<void> {
  await inNoHurry(db, (connection) => sql`DROP INDEX CONCURRENTLY IF EXISTS ${sql.ref(name)}`.execute(connection));
}

async function inNoHurry(db: Kysely<unknown>, work: (connection: Kysely<unknown>) => Promise<unknown>): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`SET lock_timeout = ${sql.lit(lockTimeoutMs)}`.execute(connection);
    try {
      await work(connection);
    } finally {
      // To what the connection was opened with. If it is lost, there is nothing to set.
      await sql`RESET lock_timeout`.execute(connection).catch(() => {});
    }
  });
}
