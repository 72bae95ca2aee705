import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { withClient } from '../../../infra/launcher/databases.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { migrations } from '../../../services/order/migrations/index.ts';
import { openOrderReads } from '../../../services/order/src/adapters/reads.ts';
import type { OrderTables } from '../../../services/order/src/adapters/tables.ts';
import { orderUnitOfWork } from '../../../services/order/src/adapters/unit-of-work.ts';
import { configSchema, type OrderConfig } from '../../../services/order/src/config.ts';
import { announce, stages } from '../../../services/order/src/outcomes.ts';
import { orderService } from '../../../services/order/src/service.ts';
import { MemoryNetwork, memoryTransport } from '../messaging/memory-transport.ts';
import { eventually } from '../testing/eventually.ts';
import { testConfig } from '../testing/service.ts';
import type { TransportFactory } from './definition.ts';
import { startService } from './service.ts';
import { serviceWithDatabase } from './with-database.ts';

/* A service that cannot start, at whichever step, leaves no connection and no lease behind. */

/** A pool closes connections that are idle for 30 s by itself. */
const soonerThanByIdlenessMs = 15_000;

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase('order');
});
afterEach(() => database.drop());

const inMemory: TransportFactory = () => ({ transport: memoryTransport(new MemoryNetwork()) });
const configOn = (port: number) =>
  testConfig(configSchema, {
    PORT: String(port),
    DATABASE_URL: database.url,
    MIGRATION_DATABASE_URL: database.ownerUrl,
  });

async function expectNothingOpen(): Promise<void> {
  const user = new URL(database.url).username;
  await withClient(database.adminUrl, async (client) => {
    await eventually(async () => {
      const { rows } = await client.query(
        'SELECT query FROM pg_stat_activity WHERE datname = current_database() AND usename = $1',
        [user],
      );
      expect(rows).toEqual([]);
    }, soonerThanByIdlenessMs);
    const { rows: leases } = await client.query('SELECT id FROM process WHERE expires_at > now()');
    expect(leases).toEqual([]);
  });
}

test('whose port is taken', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = other.address() as AddressInfo;
    await expect(startService(orderService, configOn(port), inMemory)).rejects.toThrow('EADDRINUSE');
    await expectNothingOpen();
  } finally {
    other.close();
  }
});

test('whose own parts cannot be built', async () => {
  const broken = serviceWithDatabase<OrderConfig, OrderTables>({
    name: 'order',
    migrations,
    build: async ({ reads, background, openLane, openOutcomes }) => {
      const outcomes = openOutcomes('order', { read: openOrderReads(reads).order, stages });
      openLane(orderUnitOfWork((order) => announce(order, outcomes)));
      for (const pool of [reads.primary, background]) await sql`SELECT 1`.execute(pool);
      throw new Error('cannot be built');
    },
  });
  await expect(startService(broken, configOn(0), inMemory)).rejects.toThrow('cannot be built');
  await expectNothingOpen();
});

test('whose transport cannot start', async () => {
  const broken: TransportFactory = () => {
    const transport = memoryTransport(new MemoryNetwork());
    return { transport: Object.assign(transport, { start: () => Promise.reject(new Error('cannot start')) }) };
  };
  await expect(startService(orderService, configOn(0), broken)).rejects.toThrow('cannot start');
  await expectNothingOpen();
});
