/**
 * What has to be there before the services start, in containers. It ends with 0 when all of it is, however often it runs.
 * What a start with the demo has left is locked.
 */
import { readEnvironment } from '@flash-sale/shared/config.ts';
import { listDemoProducts } from '../../services/inventory/src/adapters/demo-products.ts';
import { lockDemoAccounts } from '../../services/user/src/adapters/demo-accounts.ts';
import { databases } from '../launcher/database-names.ts';
import { withClient } from '../launcher/databases.ts';
import { ensureReplicator } from '../launcher/replica.ts';
import { setUpDatabases } from '../launcher/set-up.ts';
import { secretsFrom, setupSchema } from './setup-config.ts';

const config = readEnvironment(setupSchema);
const urls = await setUpDatabases(config.DATABASE_URL, secretsFrom(config), { provisioned: config.PROVISIONED });
if (config.REPLICATOR_PASSWORD !== undefined) await ensureReplicator(config.DATABASE_URL, config.REPLICATOR_PASSWORD);
// A start with the demo unlocks and lists them again, after this. In Kubernetes nobody waits for it to do so: Jobs of their own
// end the demo there, where there is none (base/demo-end.yaml).
if (!config.PROVISIONED) await endDemo();
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
