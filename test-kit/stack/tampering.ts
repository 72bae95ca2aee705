import type pg from 'pg';
import { databaseNameOf, type DatabaseName } from '../../infra/launcher/database-names.ts';
import { urlFor, withClient } from '../../infra/launcher/databases.ts';
import { postgresUrl } from '../../infra/launcher/postgres.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';

/** Runs SQL as the superuser, who may do what services may not. */
export async function asSuperuser(stack: Stack, database: DatabaseName, sql: string): Promise<pg.QueryResult> {
  const { port } = stack.processes.find(({ name }) => name === 'postgres')!;
  const url = urlFor(postgresUrl(port, stack.secrets.postgresPassword), databaseNameOf(database));
  return withClient(url, (client) => client.query(sql));
}

export interface Row {
  database: DatabaseName;
  table: string;
  /** The column by which the row is found, and its value. */
  key: [column: string, id: string];
}

/** Changes a row while the work lasts, and restores it. */
export async function withRowChanged(
  stack: Stack,
  { database, table, key: [column, id] }: Row,
  change: string,
  work: () => Promise<void>,
): Promise<void> {
  const where = `WHERE ${column} = '${id}'`;
  const { rowCount } = await asSuperuser(stack, database, `CREATE TABLE kept AS SELECT * FROM ${table} ${where}`);
  try {
    if (rowCount !== 1) throw new Error(`${rowCount} rows of ${table} have ${column} ${id}`);
    await asSuperuser(stack, database, `UPDATE ${table} SET ${change} ${where}`);
    await work();
  } finally {
    const restore = `DELETE FROM ${table} ${where}; INSERT INTO ${table} SELECT * FROM kept`;
    await asSuperuser(stack, database, `BEGIN; ${restore}; DROP TABLE kept; COMMIT`);
  }
}
