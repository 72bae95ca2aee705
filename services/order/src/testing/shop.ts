import { accessTokens } from '@flash-sale/shared/auth.ts';
import { MemoryNetwork, memoryTransport } from '@flash-sale/shared/messaging/memory-transport.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { serviceNames, type ServiceName } from '@flash-sale/shared/events/subscriptions.ts';
import { startService, type RunningService, type TransportFactory } from '@flash-sale/shared/service/service.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { startInternalListener } from '@flash-sale/shared/testing/internal-listener.ts';
import { jsonClient, testConfig, type Answer, type CallOptions } from '@flash-sale/shared/testing/service.ts';
import { createTestDatabase, type TestDatabase } from '../../../../infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '../../../../infra/testing/redis.ts';
import { withClient } from '../../../../infra/launcher/databases.ts';
import { configSchema as inventoryConfig } from '../../../inventory/src/config.ts';
import { inventoryService } from '../../../inventory/src/service.ts';
import { configSchema as paymentConfig } from '../../../payment/src/config.ts';
import { paymentService } from '../../../payment/src/service.ts';
import { configSchema as reservationConfig } from '../../../reservation/src/config.ts';
import { reservationService } from '../../../reservation/src/service.ts';
import { configSchema as orderConfig } from '../config.ts';
import { orderService } from '../service.ts';
import { configSchema as userConfig } from '../../../user/src/config.ts';
import { userService } from '../../../user/src/service.ts';

/** The services that take part in a purchase; the user service runs only where it is asked for. */
export const shopServices = ['inventory', 'reservation', 'order', 'payment'] as const;
type DatabaseOf = ServiceName | 'gateway';
type Settings = Record<string, string>;

export interface Shopper {
  userId: string;
  token: string;
}

export interface Shop {
  /** Sends a request to the service that has the path. */
  call<Body = Record<string, unknown>>(method: string, path: string, options?: CallOptions): Promise<Answer<Body>>;
  urlOf(service: ServiceName): string;
  aShopper(): Shopper;
  admin: Shopper;
  redis: TestRedis;
  /** How to reach each database, for somebody who looks through all of it. */
  databaseUrls: Record<DatabaseOf, string>;
  /** Starts a service that is not running; settings as in its config.ts. */
  start(service: ServiceName, settings?: Settings): Promise<void>;
  /** Starts one more instance of a service that runs, which from now on handles its events. @returns its URL */
  add(service: ServiceName, settings: Settings): Promise<string>;
  stop(service: ServiceName): Promise<void>;
  /** Runs a service with other settings while the work lasts. */
  withSettings<Result>(service: ServiceName, settings: Settings, work: () => Promise<Result>): Promise<Result>;
  /** Takes a service away while the work lasts. */
  without<Result>(service: ServiceName, work: () => Promise<Result>): Promise<Result>;
  /** Rows of a database, read or changed past its service. */
  query<Row extends object>(database: DatabaseOf, text: string, values?: unknown[]): Promise<Row[]>;
  /** Makes the deadline of a hold pass now, and not whenever the test may have come that far. */
  endHold(reservationId: string): Promise<void>;
  /** Cuts the connections that a service has to its database. @returns how many there were */
  killConnections(service: ServiceName): Promise<number>;
  /** Stops everything and removes the databases. @throws when a service has left a connection open */
  close(): Promise<void>;
}

/** What makes failures show and pass within a test's patience. */
const impatient: Settings = { OUTBOX_GRACE_MS: '300', OUTBOX_SWEEP_MS: '100', EXPIRY_SWEEP_MS: '50' };

/** As with the launcher, who comes from this machine is not counted; a test of the limits says otherwise. */
const uncounted: Settings = { RATE_LIMIT_EXEMPT: '127.0.0.0/8,::1/128' };

export interface ShopOptions {
  settings?: Settings;
  services?: readonly ServiceName[];
  /** Of each service; requests go to them in turn. 1 unless given. */
  instances?: number;
  /** What carries the events; memory unless given. */
  transport?: TransportFactory;
  /** The PostgreSQL server; that of the test run unless given. */
  serverUrl?: string;
}

/**
 * The services of a purchase in this process, on a PostgreSQL database each, a Redis of their own, and events carried
 * from one to the other in memory.
 */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const names = [...serviceNames, 'gateway'] as const;
  const [redis, ...created] = await Promise.all([
    createTestRedis(),
    ...names.map((name) => createTestDatabase(name, options.serverUrl)),
  ]);
  const databases = Object.fromEntries(names.map((name, index) => [name, created[index]!])) as Record<
    DatabaseOf,
    TestDatabase
  >;
  const network = new MemoryNetwork();
  const running = new Map<ServiceName, RunningService[]>();
  const internal = await startInternalListener((service) => running.get(service as ServiceName)?.[0]?.url);
  const { instances = 1, transport = () => ({ transport: memoryTransport(network) }) } = options;

  function launch(service: ServiceName, settings: Settings): Promise<RunningService> {
    const common = {
      DATABASE_URL: databases[service].url,
      MIGRATION_DATABASE_URL: databases[service].ownerUrl,
      REDIS_URL: redis.urlOf(service),
      INTERNAL_URL: internal.url,
      ...impatient,
      ...uncounted,
      ...options.settings,
      ...settings,
    };
    const gateway = {
      GATEWAY_DATABASE_URL: databases.gateway.url,
      GATEWAY_MIGRATION_DATABASE_URL: databases.gateway.ownerUrl,
    };
    switch (service) {
      case 'user':
        return startService(userService, testConfig(userConfig, common), transport);
      case 'inventory':
        return startService(inventoryService, testConfig(inventoryConfig, common), transport);
      case 'reservation':
        return startService(reservationService, testConfig(reservationConfig, common), transport);
      case 'order':
        return startService(orderService, testConfig(orderConfig, common), transport);
      case 'payment':
        return startService(paymentService, testConfig(paymentConfig, { ...common, ...gateway }), transport);
    }
  }

  const tokens = accessTokens(testConfig(orderConfig).JWT_SECRET);
  const someone = (role: 'shopper' | 'admin'): Shopper => {
    const userId = newId();
    return { userId, token: tokens.sign({ userId, role }, 600) };
  };
  const urlOf = (service: ServiceName) => {
    const found = running.get(service);
    if (!found) throw new Error(`${service} is not running`);
    found.push(found.shift()!);
    return found[0]!.url;
  };

  const nothingOpen = async () => {
    for (const name of names) {
      const connections = await shop.query<{ query: string }>(
        name,
        'SELECT query FROM pg_stat_activity WHERE datname = current_database() AND usename = $1',
        [new URL(databases[name].url).username],
      );
      if (connections.length > 0) throw new Error(`${name} left connections open: ${JSON.stringify(connections)}`);
    }
  };

  const shop: Shop = {
    call: async (method, path, callOptions) => jsonClient(urlOf(ownerOf(path)))(method, path, callOptions),
    urlOf,
    aShopper: () => someone('shopper'),
    admin: someone('admin'),
    redis,
    databaseUrls: Object.fromEntries(names.map((name) => [name, databases[name].adminUrl])) as Shop['databaseUrls'],
    async start(service, settings = {}) {
      const started: RunningService[] = [];
      // One after the other: the first migrates.
      while (started.length < instances) {
        started.push(await launch(service, settings));
        running.set(service, started);
      }
    },
    async add(service, settings) {
      const instance = await launch(service, settings);
      running.get(service)!.push(instance);
      return instance.url;
    },
    async stop(service) {
      const found = running.get(service);
      running.delete(service);
      await Promise.all(found?.map((instance) => instance.stop()) ?? []);
    },
    async withSettings(service, settings, work) {
      await shop.stop(service);
      await shop.start(service, settings);
      try {
        return await work();
      } finally {
        await shop.stop(service);
        await shop.start(service);
      }
    },
    async without(service, work) {
      await shop.stop(service);
      try {
        return await work();
      } finally {
        await shop.start(service);
      }
    },
    query: (database, text, values = []) =>
      withClient(databases[database].adminUrl, async (client) => (await client.query(text, values)).rows as never),
    async endHold(reservationId) {
      const ended = `UPDATE holds SET expires_at = now() - interval '1 ms' WHERE reservation_id = $1 RETURNING 1`;
      const holds = await shop.query('inventory', ended, [reservationId]);
      if (holds.length === 0) throw new Error(`there is no hold of ${reservationId}`);
    },
    async killConnections(service) {
      const [killed] = await shop.query<{ n: number }>(
        service,
        `SELECT count(pg_terminate_backend(pid))::int AS n FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      return killed!.n;
    },
    async close() {
      await Promise.all([...running.keys()].map((service) => shop.stop(service)));
      const leaked = await eventually(nothingOpen).then(
        () => undefined,
        (error: Error) => error,
      );
      await Promise.all([redis.close(), internal.close(), ...names.map((name) => databases[name].drop())]);
      if (leaked) throw leaked;
    },
  };
  try {
    await Promise.all((options.services ?? shopServices).map((service) => shop.start(service)));
  } catch (error) {
    await shop.close().catch(() => {});
    throw error;
  }
  return shop;
}

const owners: Record<string, ServiceName> = {
  products: 'inventory',
  carts: 'reservation',
  reservations: 'reservation',
  orders: 'order',
  payments: 'payment',
};

function ownerOf(path: string): ServiceName {
  const owner = owners[path.split(/[/?]/)[2] ?? ''];
  if (!owner) throw new Error(`no service has ${path}`);
  return owner;
}
