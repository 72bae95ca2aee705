import { databaseNameOf, type DatabaseName } from '../../infra/launcher/database-names.ts';
import { withClient } from '../../infra/launcher/databases.ts';
import { postgresUrl } from '../../infra/launcher/postgres.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';

/** Makes one database unreachable while the work lasts: ends its connections and refuses new ones. */
export async function withoutDatabase(stack: Stack, name: DatabaseName, work: () => Promise<void>): Promise<void> {
  const { port } = stack.processes.find((one) => one.name === 'postgres')!;
  const database = databaseNameOf(name);
  await withClient(postgresUrl(port, stack.secrets.postgresPassword), async (server) => {
    await server.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
    await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
    try {
      await work();
    } finally {
      await server.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
    }
  });
}
