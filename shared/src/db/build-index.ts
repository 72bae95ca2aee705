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
  await db.connection().execute(async (connection) => {
    const run = (text: string) => sql.raw(text).execute(connection);
    await run(`SET lock_timeout = ${lockTimeoutMs}`);
    try {
      const { rows } = await sql`
        SELECT FROM pg_index WHERE indexrelid = to_regclass(${name}) AND NOT indisvalid`.execute(connection);
      if (rows.length > 0) await run(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
      await run(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${name} ON ${on}`);
    } finally {
      // To what the connection was opened with. If it is lost, there is nothing to set.
      await run('RESET lock_timeout').catch(() => {});
    }
  });
}
