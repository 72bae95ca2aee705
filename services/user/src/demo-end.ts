import { dropPrivileges } from '@flash-sale/shared/service/privileges.ts';
import pg from 'pg';
import { lockDemoAccounts } from './adapters/demo-accounts.ts';
import { readDemoEndConfig } from './config.ts';

/** For a start without the demo on data that may contain it: locks its accounts. */
const config = readDemoEndConfig();
dropPrivileges(config.RUN_AS);
const client = new pg.Client({ connectionString: config.DATABASE_URL, connectionTimeoutMillis: 5_000 });
await client.connect();
try {
  const locked = await lockDemoAccounts(client, config.ADMIN_EMAIL);
  if (locked > 0) process.stdout.write(`locked ${locked} demo accounts\n`);
} finally {
  await client.end();
}
