import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@flash-sale/shared/db/migrate.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { assertTopology } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { servicesWithDatabase, type FurtherDatabase } from '@flash-sale/contract/services.ts';
import { ledgerMigrations as gateway } from '../../services/payment/src/adapters/built-in-gateway.ts';
import { UnusableBroker } from './broker-places.ts';
import { databases, type DatabaseName } from './database-names.ts';
import {
  databaseUrls,
  grantPrivileges,
  provision,
  specOf,
  type DatabaseSecrets,
  type DatabaseUrls,
} from './databases.ts';
import { exportOfEach } from './service-exports.ts';

/** A queue that is just choosing its leader answers after five. */
const brokerWithinMs = 60_000;

type Migrations = Parameters<typeof migrate>[1];
const ofFurther: Record<FurtherDatabase, Migrations> = { gateway };

/** Of each database, by their names. */
export const migrations: Record<DatabaseName, Migrations> = {
  ...(await exportOfEach<Migrations>('migrations/index.ts', 'migrations', servicesWithDatabase)),
  ...ofFurther,
};

/**
 * What has to be there before the services start, whatever was there before: databases, roles, tables, and who may do
 * what with them. The services then need no role that may change a table. May be done again at any time.
 * @param serverUrl for a role that may make databases and roles, unless `provisioned`: then others have made those
 * @returns how the databases are reached
 */
export async function setUpDatabases(
  serverUrl: string,
  secrets: DatabaseSecrets,
  { provisioned = false } = {},
): Promise<Record<DatabaseName, DatabaseUrls>> {
  const urls = databaseUrls(serverUrl, secrets);
  if (provisioned) await Promise.all(databases.map((name) => grantPrivileges(urls[name].owner, specOf(name, secrets))));
  else await provision(serverUrl, secrets);
  await Promise.all(databases.map((name) => migrate(urls[name].owner, migrations[name])));
  return urls;
}

/**
 * Declares all exchanges, queues and bindings, of which the services only look whether they are there. May be done again at
 * any time. @param url for a user who may do that
 */
export async function setUpBroker(url: string): Promise<void> {
  const silence = sleep(brokerWithinMs, undefined, { ref: false }).then(() => {
    throw new Error(`no answer within ${brokerWithinMs / 1_000} s`);
  });
  try {
    await Promise.race([withChannel(url, assertTopology), silence]);
  } catch (cause) {
    throw new UnusableBroker(`RabbitMQ cannot be set up: ${(cause as Error).message}`, { cause });
  }
}
