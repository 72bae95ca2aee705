import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Router } from 'express';
import type { Redis } from 'ioredis';
import { sql, type Kysely, type Migration } from 'kysely';
import { accessTokens, requireInternal, type AccessTokens } from '../auth.ts';
import { keptForMs, type CommonConfig } from '../config.ts';
import { openReads, openWatchedReads } from '../db/connection.ts';
import { LaneConnection } from '../db/lane-connection.ts';
import { ensureMigrated } from '../db/migrate.ts';
import { EndedSessions } from '../ended-sessions.ts';
import type { EventType } from '../events/schemas.ts';
import type { ServiceName } from '../events/subscriptions.ts';
import { createApp, type OnRequest } from '../http/app.ts';
import { closable } from '../http/closable.ts';
import { answerUnreadable } from '../http/unreadable.ts';
import { createLogger, type Logger } from '../log.ts';
import { InternalClient } from '../messaging/http-client.ts';
import { outboxBacklog, pruneInbox, type MessagingTables } from '../messaging/housekeeping.ts';
import { Lane } from '../messaging/lane.ts';
import { Outbox } from '../messaging/outbox.ts';
import { periodically } from '../messaging/periodic.ts';
import { settledChannel, Settlements } from '../messaging/settlements.ts';
import type { Transport } from '../messaging/transport.ts';
import type { Commands, UnitOfWork } from '../messaging/unit-of-work.ts';
import { InfluxCollector } from '../metrics/influx-collector.ts';
import { Metrics } from '../metrics/metrics.ts';
import { metricsRoute } from '../metrics/route.ts';
import { connectRedis, stateOfRedis } from '../redis/connection.ts';
import { VerificationKeys } from '../signing-keys.ts';
import { authorityAt, type TokenAuthority } from '../token-authority.ts';
import { healthRoutes, platformHealthRoutes, WorkAges, type Health } from './health.ts';
import { pruneEveryMs, removableBefore, type Removal } from './retention.ts';

const measureBacklogEveryMs = 1_000;
/** An ended session is to be known everywhere within 3 s, and the answer takes a moment. */
const askForEndedEveryMs = 1_500;
const askForKeysEveryMs = 30_000;
/** How long closing connections may take after the drain: a server that is silent does not answer a goodbye. */
const closeWithinMs = 1_000;
/** No request waits longer for what it asks another service. */
const askWithinMs = 1_000;
/** The questions of a request beside those after ended sessions and keys. */
const askAtOnce = 4;

/** What every service is given to build itself from. */
export interface Kernel<Config extends CommonConfig = CommonConfig, DB = unknown> {
  config: Config;
  log: Logger;
  /** For reads of routes; changes go through the lane. */
  reads: Kysely<DB>;
  /** For tasks and readiness: a crowd of readers must not keep holds from expiring. */
  background: Kysely<DB>;
  redis: Redis;
  tokens: AccessTokens;
  metrics: Metrics;
  /** Where work that may be late is to be named: its age goes to the metrics, and beyond WORK_LATE_MS to the shop's `/readyz`. */
  work: WorkAges;
  /** Lets requests wait for `what` to be settled, on whichever instance that happens. */
  settlements: <View>(what: string) => Settlements<View>;
  /** For questions to other services that a request can do without, each for a second at most. */
  peers: Pick<InternalClient, 'post'>;
}

export interface Task {
  name: string;
  everyMs: number;
  task: () => Promise<unknown>;
}

export interface ServiceParts<S, E extends EventType, C extends Commands<S>> {
  unitOfWork: UnitOfWork<S, E, C>;
  routes: (lane: Lane<S, E, C>) => Router;
  /** What other services may ask, below /internal. */
  internalRoutes?: (lane: Lane<S, E, C>) => Router;
  tasks?: (lane: Lane<S, E, C>) => Task[];
  /** What is removed when it has outlived its use; in this order. */
  removals?: Removal[];
  close?: () => Promise<void>;
}

export interface ServiceDefinition<Config extends CommonConfig, DB, S, E extends EventType, C extends Commands<S>> {
  name: ServiceName;
  migrations: Record<string, Migration>;
  /** Of the user service, which knows by itself what the others ask it for. */
  tokenAuthority?: (db: Kysely<DB>, config: Config) => TokenAuthority;
  /** May do I/O that must succeed before the service is ready. */
  build: (kernel: Kernel<Config, DB>) => Promise<ServiceParts<S, E, C>> | ServiceParts<S, E, C>;
}

/** A transport, and the routes by which other services reach it, if it has any. */
export type TransportFactory = (options: { config: CommonConfig; log: Logger }) => {
  transport: Transport;
  routes?: Router;
};

export interface RunningService {
  url: string;
  /** Stops gracefully: no new work, what is under way is finished, at most DRAIN_TIMEOUT_MS. */
  stop: () => Promise<void>;
}

/**
 * Migrates if it may, connects, listens.
 * @throws when the database cannot be reached or lacks a migration, or the port is taken; nothing stays open
 */
export async function startService<Config extends CommonConfig, DB, S, E extends EventType, C extends Commands<S>>(
  definition: ServiceDefinition<Config, DB, S, E, C>,
  config: Config,
  transportFactory: TransportFactory,
): Promise<RunningService> {
  const { name } = definition;
  const log = createLogger({ service: name, instance: config.SERVICE_INSTANCE, level: config.LOG_LEVEL });
  const metrics = new Metrics({ stack: config.STACK, service: name });
  const { DATABASE_URL: url, MIGRATION_DATABASE_URL: ownerUrl } = config;
  await ensureMigrated({ url, ownerUrl }, definition.migrations);

  const closers: (() => Promise<unknown>)[] = [];
  const draining = new AbortController();
  const waitsEnd = new AbortController();
  try {
    const onError = (error: Error) => log.warn({ reason: error.message }, 'database connection lost');
    const readOptions = { url: config.DATABASE_URL, statementTimeoutMs: config.STATEMENT_TIMEOUT_MS, onError };
    const { db: reads, use: poolUse } = openWatchedReads<DB>({ ...readOptions, poolSize: config.READ_POOL_SIZE });
    const background = openReads<DB>({ ...readOptions, poolSize: 1 });
    closers.push(() => Promise.all([reads.destroy(), background.destroy()]));
    const connection = new LaneConnection({
      url: config.DATABASE_URL,
      statementTimeoutMs: config.STATEMENT_TIMEOUT_MS,
      onError,
    });
    closers.push(() => connection.close());
    const redis = connectRedis(config.REDIS_URL, log);
    closers.push(() => Promise.resolve(redis.disconnect()));

    const settlements = <View>(what: string) => {
      const subscriber = connectRedis(config.REDIS_URL, log);
      closers.push(() => Promise.resolve(subscriber.disconnect()));
      return new Settlements<View>({
        channel: settledChannel(what),
        publisher: redis,
        subscriber,
        waitsEnd: waitsEnd.signal,
        log,
      });
    };
    const peers = new InternalClient({
      baseUrl: config.INTERNAL_URL,
      token: config.INTERNAL_TOKEN,
      timeoutMs: askWithinMs,
      connections: askAtOnce,
    });
    closers.push(() => peers.close());
    const work = new WorkAges();
    const authority = definition.tokenAuthority?.(background, config) ?? authorityAt(peers);
    const ended = new EndedSessions({ source: authority.ended, log });
    const keys = new VerificationKeys(authority.keys);
    // Not waited for: no service needs the user service to start.
    void ended.refresh();
    keys.learn().catch(() => {}); // a token that needs them asks again
    const { signWith } = authority;
    const tokens = accessTokens(config.JWT_SECRET, { ended, keys, accepted: config.TOKEN_ALGORITHMS, signWith });
    const kernel = { config, log, reads, background, redis, tokens, metrics, work, settlements, peers };
    const parts = await definition.build(kernel);
    if (parts.close) closers.push(parts.close);

    const { transport, routes: transportRoutes } = transportFactory({ config, log });
    const messaging = background as unknown as Kysely<MessagingTables>;
    const outbox = new Outbox({
      db: messaging,
      service: name,
      instance: config.SERVICE_INSTANCE,
      transport,
      log,
      leaseMs: config.PROCESS_LEASE_MS,
      sweepEveryMs: config.OUTBOX_SWEEP_MS,
      maxAttempts: config.OUTBOX_MAX_ATTEMPTS,
      maxHeld: config.OUTBOX_HELD_MAX,
      holdMs: config.OUTBOX_HOLD_MS,
      handoverMs: config.OUTBOX_HANDOVER_MS,
    });
    await outbox.begin();
    closers.push(() => outbox.end());
    let overloaded = false;
    const isStalled = () => (work.of('publish') ?? 0) > config.PUBLISH_AGE_MAX_MS;
    const lane = new Lane<S, E, C>({
      service: name,
      connection,
      unitOfWork: parts.unitOfWork,
      deliver: (records) => transport.deliver(records),
      log,
      maxItems: config.BATCH_MAX,
      maxQueued: config.BATCH_QUEUE_MAX,
      outboxGraceMs: config.OUTBOX_GRACE_MS,
      handoverMs: config.OUTBOX_HANDOVER_MS,
      holder: () => outbox.holder,
      isOverloaded: () => overloaded || isStalled(),
      isStalled,
      onBatch: (items, ms) => metrics.batchDone(items, ms),
    });
    await transport.start(outbox.intakeOf(lane));
    closers.push(() => transport.stop());

    let backlog: { outbox?: number; queue?: number | undefined; dead?: number | undefined } = {};
    let oldestRecord: { ageMs: number; readAtMs: number } | undefined;
    const oldestRecordMs = () => oldestRecord && oldestRecord.ageMs + performance.now() - oldestRecord.readAtMs;
    const measureBacklog = async () => {
      const limits = { atMost: config.OUTBOX_BACKLOG_MAX, maxAttempts: config.OUTBOX_MAX_ATTEMPTS };
      const { depth, oldestMs } = await outboxBacklog(messaging, limits).catch((error: unknown) => {
        // What was true before the outage is not told during it.
        backlog = {};
        oldestRecord = undefined;
        throw error;
      });
      oldestRecord = oldestMs === undefined ? undefined : { ageMs: oldestMs, readAtMs: performance.now() };
      const queues: Partial<Record<ServiceName, number>> = (await transport.backlog?.().catch(() => ({}))) ?? {};
      const dead = await transport.deadLettersLeft?.().catch(() => undefined);
      backlog = { outbox: depth, queue: queues[name], dead };
      const waiting = Math.max(0, ...Object.values(queues));
      const before = overloaded;
      overloaded =
        depth >= config.OUTBOX_BACKLOG_MAX ||
        waiting >= config.QUEUE_BACKLOG_MAX ||
        (oldestMs ?? 0) > config.OUTBOX_AGE_MAX_MS;
      if (overloaded !== before) log.warn({ depth, oldestMs, waiting, overloaded }, 'the backlog crosses its bound');
    };
    work.watch('outbox', oldestRecordMs);
    if (transport.oldestUnconfirmedMs) {
      // With a broker, a record that is still in the outbox is one that the broker has not confirmed.
      const unconfirmedMs = transport.oldestUnconfirmedMs.bind(transport);
      work.watch('publish', () => {
        const [unconfirmed, record] = [unconfirmedMs(), oldestRecordMs()];
        return unconfirmed === undefined || record === undefined
          ? (unconfirmed ?? record)
          : Math.max(unconfirmed, record);
      });
    }
    metrics.watch({
      measurement: 'work',
      tag: 'work',
      gauges: { age_seconds: 'flash_sale_work_age_seconds' },
      read: () => Object.entries(work.read()).map(([of, ageMs]) => ({ of, fields: { age_seconds: ageMs / 1_000 } })),
    });
    metrics.watch({
      measurement: 'backlog',
      gauges: {
        outbox: 'flash_sale_outbox_records',
        queue: 'flash_sale_queue_messages',
        dead: 'flash_sale_dead_letters',
        waiting: 'flash_sale_lane_waiting_items',
      },
      read: () => [{ fields: { ...backlog, waiting: lane.queued } }],
    });
    metrics.watch({
      measurement: 'pool',
      gauges: { used: 'flash_sale_pool_used_connections', waiting: 'flash_sale_pool_waiting_requests' },
      read: () => [{ fields: { ...poolUse() } }],
    });
    if (transport.deadLetters) {
      const counts = transport.deadLetters.bind(transport);
      metrics.watch({
        measurement: 'dead_letters',
        tag: 'cause',
        gauges: { count: 'flash_sale_dead_letters_put_aside' },
        read: () => Object.entries(counts()).map(([cause, count]) => ({ of: cause, fields: { count } })),
      });
    }
    if (config.INFLUX_URL !== undefined) {
      const collector = new InfluxCollector({
        url: config.INFLUX_URL,
        token: config.INFLUX_TOKEN,
        org: config.INFLUX_ORG,
        bucket: config.INFLUX_BUCKET,
        tags: { stack: config.STACK, service: name, instance: config.SERVICE_INSTANCE },
        metrics,
        log,
      });
      closers.push(() => collector.close());
    }
    const retention = (removals: Removal[]): Task => ({
      name: 'retention',
      everyMs: pruneEveryMs,
      task: async () => {
        const before = await removableBefore({
          db: messaging as Kysely<unknown>,
          keptForMs: keptForMs(config),
          transport,
        });
        for (const removal of before ? removals : []) {
          const removed = await removal.run(before!);
          if (removed > 0) log.info({ table: removal.table, removed }, 'old rows removed');
        }
      },
    });
    const tasks: Task[] = [
      // A key that is withdrawn is believed no longer than this.
      { name: 'token-keys', everyMs: askForKeysEveryMs, task: () => keys.learn() },
      { name: 'ended-sessions', everyMs: askForEndedEveryMs, task: () => ended.refresh() },
      { name: 'backlog', everyMs: measureBacklogEveryMs, task: measureBacklog },
      { name: 'inbox-prune', everyMs: pruneEveryMs, task: () => pruneInbox(messaging, config.INBOX_RETENTION_MS) },
      ...(parts.removals && config.RETENTION_MS > 0 ? [retention(parts.removals)] : []),
      ...(parts.tasks?.(lane) ?? []),
    ];
    outbox.sweep();
    const running = tasks.map((task) => periodically({ ...task, log }));
    const stopTasks = () => Promise.all(running.map((task) => task.stop()));
    closers.push(stopTasks);

    const readiness = async (): Promise<Health> => {
      if (draining.signal.aborted) return { ready: false, checks: { service: 'draining' } };
      const redisState = stateOfRedis(redis, `${name}:${config.SERVICE_INSTANCE}`);
      const answered = await Promise.race([
        sql`SELECT 1`.execute(background).then(
          () => true,
          () => false,
        ),
        sleep(1_000, false, { ref: false }),
      ]);
      const reachable = transport.healthy();
      return {
        ready: answered && reachable,
        // Without Redis the sale goes on, so it does not make a service unready.
        checks: {
          database: answered ? 'ok' : 'away',
          redis: await redisState,
          transport: reachable ? 'ok' : 'away',
        },
      };
    };
    const health = healthRoutes(readiness, work, config.WORK_LATE_MS);
    const onRequest: OnRequest = (route, method, status, ms) => metrics.requestDone(route, method, status, ms);
    const app = createApp({
      log,
      onRequest,
      trustedProxies: config.TRUSTED_PROXIES,
      publicRoutes: parts
        .routes(lane)
        .use(health)
        .use(metricsRoute(metrics))
        .use(platformHealthRoutes({ internalUrl: config.INTERNAL_URL, internalToken: config.INTERNAL_TOKEN })),
      internal: {
        guard: requireInternal(config.INTERNAL_TOKEN),
        routes: Router()
          .use(health)
          .use(parts.internalRoutes?.(lane) ?? Router())
          .use(transportRoutes ?? Router()),
      },
    });
    const server = createServer({ requireHostHeader: false }, app);
    answerUnreadable(server, { log, onRequest });
    const close = closable(server);
    await listen(server, config.PORT, config.HOST);
    log.info({ port: (server.address() as AddressInfo).port, stack: config.STACK }, 'ready');

    let stopped: Promise<void> | undefined;
    const drain = async () => {
      draining.abort();
      // Most outcomes come soon, also at an instance that stops: the other one handles the events.
      const endWaits = setTimeout(() => waitsEnd.abort(), config.DRAIN_TIMEOUT_MS / 2);
      // First: while events come in, the lane is never empty.
      await Promise.all([close(config.DRAIN_IDLE_MS), transport.stopReceiving?.()]);
      clearTimeout(endWaits);
      await Promise.all([stopTasks(), outbox.stopDelivering()]);
      await lane.drained();
      await transport.stop();
      await lane.drained();
    };
    return {
      url: `http://${config.HOST}:${(server.address() as AddressInfo).port}`,
      stop: () =>
        (stopped ??= (async () => {
          const inTime = await Promise.race([
            drain().then(() => true),
            sleep(config.DRAIN_TIMEOUT_MS, false, { ref: false }),
          ]);
          if (!inTime)
            log.warn(
              { afterMs: config.DRAIN_TIMEOUT_MS },
              'not drained in time; what is left comes again from the outbox',
            );
          server.closeAllConnections();
          await Promise.race([closeAll(closers), sleep(closeWithinMs, undefined, { ref: false })]);
          log.info('stopped');
        })()),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  for (const close of closers.reverse()) await close().catch(() => {});
}

function listen(server: Server, port: number, host: string): Promise<void> {
  // Longer than nginx keeps its side open (60 s), or it would send requests into closing connections.
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, 4_096, () => resolve());
  });
}
