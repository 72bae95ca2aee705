import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { migrate } from '../db/migrate.ts';
import { tallyMigrations } from './tally.ts';

/** A database with the tables of the smallest service, and a connection to it that may do everything. `drop` removes both. */
export async function createTallyDatabase(
  name: string,
): Promise<{ database: TestDatabase; admin: pg.Client; drop: () => Promise<void> }> {
  const database = await createTestDatabase(name);
  await migrate(database.ownerUrl, tallyMigrations);
  const admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  const drop = async () => {
    await admin.end();
    await database.drop();
  };
  return { database, admin, drop };
}
