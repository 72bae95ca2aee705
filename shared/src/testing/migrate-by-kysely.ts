import { Kysely, Migrator, PostgresDialect, type Migration } from 'kysely';
import pg from 'pg';

/** Migrates as releases did that had Kysely do it, all in one transaction. @returns what it then refuses with, if it does */
export async function migrateByKysely(ownerUrl: string, migrations: Record<string, Migration>): Promise<unknown> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 1 });
  pool.on('error', () => {}); // of a connection that is being closed while its database is dropped
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  await db.destroy();
  return error;
}
