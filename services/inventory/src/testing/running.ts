import pg from 'pg';
import { accessTokens, type Role } from '@flash-sale/shared/auth.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { MemoryNetwork, memoryTransport } from '@flash-sale/shared/messaging/memory-transport.ts';
import type { TransportFactory } from '@flash-sale/shared/service/definition.ts';
import { startService, type RunningService } from '@flash-sale/shared/service/service.ts';
import { FakeService } from '@flash-sale/shared/testing/fake-service.ts';
import { jsonClient, testConfig } from '@flash-sale/shared/testing/service.ts';
import { startTcpProxy } from '@flash-sale/shared/testing/tcp-proxy.ts';
import { createTestDatabase } from '../../../../infra/testing/database.ts';
import { createTestRedis } from '../../../../infra/testing/redis.ts';
import { configSchema } from '../config.ts';
import { inventoryService } from '../service.ts';

/** The servers that a test file of the running service needs; the database is behind a proxy that can be cut. */
export async function startServers() {
  const [database, redis] = await Promise.all([createTestDatabase('inventory'), createTestRedis()]);
  const databaseProxy = await startTcpProxy(database.url);
  const admin = new pg.Pool({ connectionString: database.adminUrl, max: 2 });
  admin.on('error', () => {}); // faults end its connections, too
  return {
    database,
    databaseProxy,
    redis,
    rows: async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await admin.query<R>(text, values)).rows,
    async close() {
      await databaseProxy.close();
      await admin.end();
      await Promise.all([database.drop(), redis.close()]);
    },
  };
}
export type Servers = Awaited<ReturnType<typeof startServers>>;

/**
 * The inventory service in this process, beside fake services that only record the events they receive. Without them if given
 * a transport.
 */
export async function startInventory(
  servers: Servers,
  overrides: Record<string, string> = {},
  transport?: TransportFactory,
) {
  const config = testConfig(configSchema, {
    DATABASE_URL: servers.databaseProxy.url,
    MIGRATION_DATABASE_URL: servers.database.ownerUrl,
    REDIS_URL: servers.redis.urlOf('inventory'),
    STATEMENT_TIMEOUT_MS: '2000',
    EXPIRY_SWEEP_MS: '50',
    OUTBOX_SWEEP_MS: '50',
    OUTBOX_GRACE_MS: '300',
    ...overrides,
  });
  const network = new MemoryNetwork();
  const order = new FakeService('order');
  const reservation = new FakeService('reservation');
  for (const service of [order, reservation]) network.intakes.set(service.service, service);
  const inMemory: TransportFactory = () => ({ transport: memoryTransport(network) });
  const service: RunningService = await startService(inventoryService, config, transport ?? inMemory);
  const tokens = accessTokens(config.JWT_SECRET);
  return {
    config,
    network,
    order,
    reservation,
    url: service.url,
    stop: () => service.stop(),
    call: jsonClient(service.url),
    /** Delivers events to the service as a transport does, and the follow-up events to the others. */
    async receive(...events: Parameters<FakeService['receive']>[0]) {
      const receipt = await network.intakes.get('inventory')!.receive(events, 'deliver');
      await receipt.delivered;
      return receipt;
    },
    tokenOf: (role: Role) => tokens.sign({ userId: newId(), role }, 300),
  };
}
export type RunningInventory = Awaited<ReturnType<typeof startInventory>>;
