import { Router, type Express } from 'express';
import { requireInternal } from '../auth.ts';
import type { CommonConfig } from '../config.ts';
import { ensureMigrated } from '../db/migrate.ts';
import { createApp, type OnRequest } from '../http/app.ts';
import { createLogger, type Logger } from '../log.ts';
import { Metrics } from '../metrics/metrics.ts';
import { metricsRoute } from '../metrics/route.ts';
import { authorityAt } from '../token-authority.ts';
import type { ServiceContext, ServiceDefinition, ServiceParts, TransportFactory } from './definition.ts';
import { drain, Stopping, type DrainOptions } from './drain.ts';
import { healthRoutes, platformHealthRoutes, WorkAges } from './health.ts';
import type { OnUpgrade } from './listener.ts';
import { backlogOf, laneOpener, outboxOf } from './messaging.ts';
import { readinessOf } from './readiness.ts';
import { openResources, outcomesOpener } from './resources.ts';
import { commonTasks, startTasks } from './tasks.ts';
import { collectForInflux, watchService } from './telemetry.ts';
import { openTokens } from './tokens.ts';

/** A service that takes events, begins nothing by itself, and whom nobody can ask yet. */
export interface BuiltService {
  /** Answers its requests; to be attached to a listener. */
  app: Express;
  /** Takes upgrades, if the service has any. */
  onUpgrade: OnUpgrade | undefined;
  log: Logger;
  /** Counts requests that never reach `app`. */
  onRequest: OnRequest;
  /** Begins its tasks, the delivery of what predecessors have left among them: what needs others in its process to be there. */
  begin: () => void;
  /** Finishes what is under way, as in `drain`. */
  drain: (ends: Pick<DrainOptions, 'stopListening' | 'onIdle' | 'othersIdle'>) => Promise<void>;
  /** Closes all that it has opened, the last first. Never rejects. */
  close: () => Promise<void>;
}

/**
 * Migrates if it may, connects and builds the service, in the order in which one thing needs the other.
 * @param processAs what the figures of the process are told as, as in Metrics
 * @throws when the database cannot be reached or lacks a migration, or the service cannot be built; nothing stays open
 */
export async function buildService<Config extends CommonConfig, DB>(
  definition: ServiceDefinition<Config, DB>,
  config: Config,
  transportFactory: TransportFactory,
  processAs: string | null = definition.name,
): Promise<BuiltService> {
  const { name } = definition;
  const log = createLogger({ service: name, instance: config.SERVICE_INSTANCE, level: config.LOG_LEVEL });
  const metrics = new Metrics({ stack: config.STACK, service: name }, processAs);
  const context: ServiceContext = { name, config, log, metrics, processAs };
  const { DATABASE_URL: url, MIGRATION_DATABASE_URL: ownerUrl } = config;
  await ensureMigrated({ url, ownerUrl }, definition.migrations);

  const opened = new AsyncDisposableStack();
  const close = () => opened.disposeAsync().catch(() => {});
  const stopping = new Stopping();
  try {
    const resources = openResources<DB>(context, opened);
    const { reads, background, messaging, redis, peers, poolUse } = resources;
    const openOutcomes = outcomesOpener(context, resources, stopping.waitsEnd, opened);
    const authority = definition.tokenAuthority?.(background, config) ?? authorityAt(peers);
    const { tokens, tasks: tokenTasks } = openTokens(context, authority);
    const { transport, routes: transportRoutes } = transportFactory({ config, log });
    const backlog = backlogOf(context, transport);
    const outbox = outboxOf(context, resources, transport, backlog);
    const openLane = laneOpener(context, resources, { transport, outbox, backlog });

    const work = new WorkAges();
    const { draining } = stopping;
    const used = { reads, background, openLane, redis, tokens, metrics, work, openOutcomes, peers, draining };
    const parts = await definition.build({ config, log, ...used });
    if (parts.close) opened.defer(parts.close);
    const { lane, removals, tasks = [] } = parts;

    await outbox.begin();
    opened.defer(() => outbox.end());
    await transport.start(outbox.intakeOf(lane));
    opened.defer(() => transport.stop());
    watchService(metrics, { work, backlog, lane, poolUse, transport });
    collectForInflux(context, opened);
    const common = commonTasks(context, { messaging, backlog, transport, removals });
    let stopTasks = () => Promise.resolve();
    const begin = () => {
      outbox.sweep();
      stopTasks = startTasks([...tokenTasks, ...common, ...tasks], log);
    };
    opened.defer(() => stopTasks());

    const readiness = readinessOf(context, { background, redis, transport, draining });
    const onRequest: OnRequest = (route, method, status, ms) => metrics.requestDone(route, method, status, ms);
    const health = healthRoutes(readiness, work, config.WORK_LATE_MS);
    const app = appOf(context, { parts, health, transportRoutes, onRequest });
    const endWaitsAfterMs = config.DRAIN_TIMEOUT_MS / 2;
    const drainable = { stopping, endWaitsAfterMs, transport, stopTasks: () => stopTasks(), outbox, lane };
    const { onUpgrade } = parts;
    return { app, onUpgrade, log, onRequest, begin, drain: (ends) => drain({ ...drainable, ...ends }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A service's own routes with those that every service has. */
function appOf(
  { config, log, metrics }: ServiceContext,
  options: { parts: ServiceParts; health: Router; transportRoutes: Router | undefined; onRequest: OnRequest },
): Express {
  const { parts, health, transportRoutes, onRequest } = options;
  return createApp({
    log,
    onRequest,
    trustedProxies: config.TRUSTED_PROXIES,
    publicRoutes: parts.routes
      .use(health)
      .use(metricsRoute(metrics))
      .use(platformHealthRoutes({ internalUrl: config.INTERNAL_URL, internalToken: config.INTERNAL_TOKEN })),
    internal: {
      guard: requireInternal(config.INTERNAL_TOKEN),
      routes: Router()
        .use(health)
        .use(parts.internalRoutes ?? Router())
        .use(transportRoutes ?? Router()),
    },
  });
}
