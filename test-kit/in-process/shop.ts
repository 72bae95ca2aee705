import { subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import {
  publicPaths,
  serviceNames,
  type ServiceName,
  type ServiceWithDatabase,
} from '@flash-sale/contract/services.ts';
import { accessTokens } from '@flash-sale/shared/auth.ts';
import type { CommonConfig, commonSchema } from '@flash-sale/shared/config.ts';
import { MemoryNetwork, memoryTransport } from '@flash-sale/shared/messaging/memory-transport.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { Service } from '@flash-sale/shared/service/assembly.ts';
import type { TransportFactory } from '@flash-sale/shared/service/definition.ts';
import { startService, type RunningService } from '@flash-sale/shared/service/service.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { startInternalListener } from '@flash-sale/shared/testing/internal-listener.ts';
import { testConfig, testEnvironment } from '@flash-sale/shared/testing/service.ts';
import { createTestDatabase, type TestDatabase } from '../../infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '../../infra/testing/redis.ts';
import { databases as databaseNames, databasesOf, type DatabaseName } from '../../infra/launcher/database-names.ts';
import { withClient } from '../../infra/launcher/databases.ts';
import { exportOf } from '../../infra/launcher/service-exports.ts';
import { send, type Answer, type CallOptions } from '../http.ts';

/** The services that take part in a purchase; one that handles no event runs only where it is asked for. */
export const shopServices = serviceNames.filter((name) => subscriptions[name].length > 0);
type Settings = Record<string, string>;

export interface Shopper {
  userId: string;
  token: string;
}

export interface Shop {
  /** Sends a request to the service that has the path. Its answer must be one that the API documents. */
  call<Body = Record<string, unknown>>(method: string, path: string, options?: CallOptions): Promise<Answer<Body>>;
  urlOf(service: ServiceName): string;
  aShopper(): Shopper;
  admin: Shopper;
  redis: TestRedis;
  /** The URL of each database, for tests that read all of it. */
  databaseUrls: Record<DatabaseName, string>;
  /** Starts a service that is not running; settings as in its config.ts. */
  start(service: ServiceName, settings?: Settings): Promise<void>;
  /** Starts another instance of a running service, which from now on handles its events. @returns its URL */
  add(service: ServiceName, settings: Settings): Promise<string>;
  stop(service: ServiceName): Promise<void>;
  /** Runs a service with other settings while the work lasts. */
  withSettings<Result>(service: ServiceName, settings: Settings, work: () => Promise<Result>): Promise<Result>;
  /** Stops a service while the work lasts. */
  without<Result>(service: ServiceName, work: () => Promise<Result>): Promise<Result>;
  /** Runs SQL on a database directly. */
  query<Row extends object>(database: DatabaseName, text: string, values?: unknown[]): Promise<Row[]>;
  /** Ends a hold's time now, so that no test has to wait for its deadline. */
  endHold(reservationId: string): Promise<void>;
  /** Kills a service's connections to its database. @returns how many there were */
  killConnections(service: ServiceWithDatabase): Promise<number>;
  /** Stops everything and removes the databases. @throws when a service has left a connection open */
  close(): Promise<void>;
}

/** Short intervals, so that failures show and heal within a test. */
const impatient: Settings = { OUTBOX_GRACE_MS: '300', OUTBOX_SWEEP_MS: '100', EXPIRY_SWEEP_MS: '50' };

/** As with the launcher, this machine is exempt from rate limits; tests of the limits say otherwise. */
const uncounted: Settings = { RATE_LIMIT_EXEMPT: '127.0.0.0/8,::1/128' };

export interface ShopOptions {
  settings?: Settings;
  services?: readonly ServiceName[];
  /** Instances of each service; requests go to them in turn. 1 unless given. */
  instances?: number;
  /** The transport of the events; in memory unless given. */
  transport?: TransportFactory;
  /** The PostgreSQL server; that of the test run unless given. */
  serverUrl?: string;
}

/**
 * The services of a purchase in this process, on a PostgreSQL database each, a Redis of their own, and events carried
 * from one to the other in memory.
 */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const [redis, ...created] = await Promise.all([
    createTestRedis(),
    ...databaseNames.map((name) => createTestDatabase(name, options.serverUrl)),
  ]);
  const databases = Object.fromEntries(databaseNames.map((name, index) => [name, created[index]!])) as Record<
    DatabaseName,
    TestDatabase
  >;
  const network = new MemoryNetwork();
  const running = new Map<ServiceName, RunningService[]>();
  const internal = await startInternalListener((service) => running.get(service as ServiceName)?.[0]?.url);
  const { instances = 1, transport = () => ({ transport: memoryTransport(network) }) } = options;

  /** As the service's main.ts does. */
  async function launch(service: ServiceName, settings: Settings): Promise<RunningService> {
    const built = await exportOf<Service<CommonConfig>>(service, 'src/service.ts', `${service}Service`);
    const schema = await exportOf<typeof commonSchema>(service, 'src/config.ts', 'configSchema');
    const ofDatabases = databasesOf(service).flatMap(({ setting, name }) => [
      [`${setting}_URL`, databases[name].url],
      [`${setting.replace(/DATABASE$/, 'MIGRATION_DATABASE')}_URL`, databases[name].ownerUrl],
    ]);
    const config = testConfig(schema, {
      ...(Object.fromEntries(ofDatabases) as Settings),
      REDIS_URL: redis.urlOf(service),
      INTERNAL_URL: internal.url,
      ...impatient,
      ...uncounted,
      ...options.settings,
      ...settings,
    });
    return startService(built, config, transport);
  }

  const tokens = accessTokens(testEnvironment()['JWT_SECRET']!);
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
    for (const name of databaseNames) {
      const connections = await shop.query<{ query: string }>(
        name,
        'SELECT query FROM pg_stat_activity WHERE datname = current_database() AND usename = $1',
        [new URL(databases[name].url).username],
      );
      if (connections.length > 0) throw new Error(`${name} left connections open: ${JSON.stringify(connections)}`);
    }
  };

  const shop: Shop = {
    call: async (method, path, callOptions) => send(urlOf(ownerOf(path)), method, path, callOptions),
    urlOf,
    aShopper: () => someone('shopper'),
    admin: someone('admin'),
    redis,
    databaseUrls: Object.fromEntries(
      databaseNames.map((name) => [name, databases[name].adminUrl]),
    ) as Shop['databaseUrls'],
    async start(service, settings = {}) {
      const started: RunningService[] = [];
      // One after the other, since the first migrates.
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
      await Promise.all([redis.close(), internal.close(), ...databaseNames.map((name) => databases[name].drop())]);
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

function ownerOf(path: string): ServiceName {
  const [root] = /^\/api\/[^/?]*/.exec(path) ?? [];
  const owner = publicPaths.find((one) => one.path === root);
  if (!owner) throw new Error(`no service has ${path}`);
  return owner.service;
}
