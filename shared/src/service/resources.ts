import type { Redis } from 'ioredis';
import type { Kysely } from 'kysely';
import { openReads, openWatchedReads, type PoolUse } from '../db/connection.ts';
import { answersWithinMs, Reads, verifyCluster, type Replica } from '../db/reads.ts';
import { LaneConnection } from '../db/lane-connection.ts';
import { InternalClient } from '../messaging/http-client.ts';
import type { MessagingTables } from '../messaging/housekeeping.ts';
import { Outcomes, settledChannel } from '../messaging/outcomes.ts';
import { Positions } from '../redis/positions.ts';
import { connectRedis } from '../redis/connection.ts';
import type { DatabaseConfig } from '../config.ts';
import type { OpenOutcomes, ServiceContext } from './definition.ts';

/** No request waits longer for what it asks another service. */
const askWithinMs = 1_000;
/** The questions of a request beside those after ended sessions and keys. */
const askAtOnce = 4;

/** What every service is connected to. */
export interface Resources {
  redis: Redis;
  peers: InternalClient;
}

/** Opens both; neither is waited for, so that a server that is away does not keep the other. `opened` closes them. */
export function openResources({ config, log }: ServiceContext, opened: AsyncDisposableStack): Resources {
  const redis = connectRedis(config.REDIS_URL, log);
  opened.defer(() => redis.disconnect());
  const peers = new InternalClient({
    baseUrl: config.INTERNAL_URL,
    token: config.INTERNAL_TOKEN,
    timeoutMs: askWithinMs,
    connections: askAtOnce,
  });
  opened.defer(() => peers.close());
  return { redis, peers };
}

/** A service's connections to its database. */
export interface DatabaseResources<DB> {
  /** For the reads of routes. */
  reads: Reads<DB>;
  /** Where these may go to a replica. */
  positions: Positions | undefined;
  poolUse: () => PoolUse;
  /** One connection for all that is not a request's. */
  background: Kysely<DB>;
  /** The same, for the tables that every service has. */
  messaging: Kysely<MessagingTables>;
  laneConnection: LaneConnection;
}

/** As `openResources`. */
export function openDatabase<DB>(
  { name, config, log }: ServiceContext<DatabaseConfig>,
  redis: Redis,
  opened: AsyncDisposableStack,
): DatabaseResources<DB> {
  const databaseOptions = {
    url: config.DATABASE_URL,
    statementTimeoutMs: config.STATEMENT_TIMEOUT_MS,
    onError: (error: Error) => log.warn({ reason: error.message }, 'database connection lost'),
  };
  const { db: primary, use: poolUse } = openWatchedReads<DB>({ ...databaseOptions, poolSize: config.READ_POOL_SIZE });
  const background = openReads<DB>({ ...databaseOptions, poolSize: 1 });
  opened.defer(async () => void (await Promise.all([primary.destroy(), background.destroy()])));
  const { READ_DATABASE_URL: replicaUrl } = config;
  const replica = replicaUrl === undefined ? undefined : openReplica();
  const reads = new Reads({ primary, replica, log });
  const laneConnection = new LaneConnection(databaseOptions);
  opened.defer(() => laneConnection.close());
  const messaging = background as unknown as Kysely<MessagingTables>;
  return { reads, positions: replica?.positions, poolUse, background, messaging, laneConnection };

  function openReplica(): Replica<DB> {
    const db = openReads<DB>({
      url: replicaUrl!,
      poolSize: config.READ_POOL_SIZE,
      statementTimeoutMs: answersWithinMs,
      connectWithinMs: answersWithinMs,
      verify: verifyCluster(primary),
      onError: (error) => log.debug({ reason: error.message }, 'connection to the replica lost'),
    });
    opened.defer(() => db.destroy());
    return { db, positions: new Positions({ redis, service: name, log }) };
  }
}

/** Each kind listens over a connection of its own, for one that is subscribed can be used for nothing else. */
export function outcomesOpener(
  { config, log }: ServiceContext,
  { publisher, waitsEnd, opened }: { publisher: Redis; waitsEnd: AbortSignal; opened: AsyncDisposableStack },
): OpenOutcomes {
  return (what, source) => {
    const subscriber = connectRedis(config.REDIS_URL, log);
    opened.defer(() => subscriber.disconnect());
    return new Outcomes({ ...source, channel: settledChannel(what), publisher, subscriber, waitsEnd, log });
  };
}
