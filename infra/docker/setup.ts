/**
 * What has to be there before the services start: databases, roles, tables. It ends with 0 when all of it is, however
 * often it runs. The services then need no role that may change a table. What a start with the demo has left is locked.
 */
import { readEnvironment } from '@flash-sale/shared/config.ts';
import { migrate } from '@flash-sale/shared/db/migrate.ts';
import { migrations as inventory } from '../../services/inventory/migrations/index.ts';
import { migrations as order } from '../../services/order/migrations/index.ts';
import { migrations as payment } from '../../services/payment/migrations/index.ts';
import { ledgerMigrations as gateway } from '../../services/payment/src/adapters/built-in-gateway.ts';
import { migrations as reservation } from '../../services/reservation/migrations/index.ts';
import { migrations as user } from '../../services/user/migrations/index.ts';
import { databases, type DatabaseName } from '../launcher/database-names.ts';
import { lockDemoAccounts } from '../../services/user/src/adapters/demo-accounts.ts';
import { listDemoProducts } from '../../services/inventory/src/adapters/demo-products.ts';
import { provision, withClient } from '../launcher/databases.ts';
import { secretsFrom, setupSchema } from './setup-config.ts';

const migrations: Record<DatabaseName, Parameters<typeof migrate>[1]> = {
  user,
  inventory,
  reservation,
  order,
  payment,
  gateway,
};

const config = readEnvironment(setupSchema);
const urls = await provision(config.DATABASE_URL, secretsFrom(config));
await Promise.all(databases.map((name) => migrate(urls[name].owner, migrations[name])));
// A start with the demo unlocks and lists them again, after this.
await endDemo();
console.log(`set up: ${databases.join(', ')}`);

async function endDemo(): Promise<void> {
  const locked = await withClient(urls.user.runtime, lockDemoAccounts);
  const levels = await withClient(urls.inventory.runtime, async (client) => {
    await client.query('BEGIN');
    const changed = await listDemoProducts(client, false);
    await client.query('COMMIT');
    return changed;
  });
  if (locked + levels.length > 0)
    console.log(`locked ${locked} demo accounts, unlisted ${levels.length} demo products`);
}
