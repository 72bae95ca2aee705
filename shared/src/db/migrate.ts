import pg from 'pg';
import { Kysely, Migrator, PostgresDialect, type Migration } from 'kysely';

/**
 * Brings a schema up to date with the owner's role and disconnects. Safe when several instances start at once: the
 * migrator holds an advisory lock meanwhile.
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
  } finally {
    await db.destroy();
  }
}
