import { Router, type Express } from 'express';
import { requireInternal } from '../auth.ts';
import type { CommonConfig } from '../config.ts';
import { createApp, type OnRequest } from '../http/app.ts';
import { createLogger, type Logger } from '../log.ts';
import { Metrics } from '../metrics/metrics.ts';
import { metricsRoute } from '../metrics/route.ts';
import { authorityAt } from '../token-authority.ts';
import { openTracing } from '../tracing/open.ts';
import { isTracingOn } from '../tracing/settings.ts';
import type { Service } from './assembly.ts';
import type { ServiceContext, ServiceParts, Task, TransportFactory } from './definition.ts';
import { drain, Stopping, type DrainOptions } from './drain.ts';
import { healthRoutes, platformHealthRoutes, WorkAges } from './health.ts';
import type { OnUpgrade } from './listener.ts';
import { readinessOf } from './readiness.ts';
import { openResources } from './resources.ts';
import { startTasks } from './tasks.ts';
import { collectForInflux, watchWork } from './telemetry.ts';
import { openTokensOf } from './tokens.ts';

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
 * Opens what every service has and builds the service, with what it needs besides.
 * @param processAs what the figures of the process are told as, as in Metrics
 * @throws when it cannot be built, as without its database; nothing stays open
 */
export async function buildService<Config extends CommonConfig>(
  service: Service<Config>,
  config: Config,
  transportFactory: TransportFactory,
  processAs: string | null = service.name,
): Promise<BuiltService> {
  const { name } = service;
  const log = createLogger({
    service: name,
    instance: config.SERVICE_INSTANCE,
    level: config.LOG_LEVEL,
    isTraced: isTracingOn(config),
  });
  const metrics = new Metrics({ stack: config.STACK, service: name }, processAs);
  const opened = new AsyncDisposableStack();
  const close = () => opened.disposeAsync().catch(() => {});
  const stopping = new Stopping();
  try {
    const untraced: ServiceContext<Config> = { name, config, log, metrics, processAs };
    const context = { ...untraced, tracing: await openTracing(untraced, opened) };
    const { redis, peers } = openResources(context, opened);
    const work = new WorkAges();
    watchWork(metrics, work);
    const { draining, waitsEnd } = stopping;
    const kernel = { config, log, redis, metrics, work, peers, draining };
    const tokenTasks: Task[] = [];
    const openTokens = (own = authorityAt(peers)) => {
      const { tokens, tasks } = openTokensOf(context, own);
      tokenTasks.push(...tasks);
      return tokens;
    };
    const base = { context, kernel, openTokens, transportFactory, waitsEnd, opened };
    const { parts, durable } = await service.assemble(base);

    collectForInflux(context, opened);
    let stopTasks = () => Promise.resolve();
    const begin = () => {
      durable?.outbox.sweep();
      stopTasks = startTasks([...tokenTasks, ...(parts.tasks ?? [])], log);
    };
    opened.defer(() => stopTasks());

    const readiness = readinessOf(context, { redis, draining, ...durable });
    const onRequest: OnRequest = (route, method, status, ms) => metrics.requestDone(route, method, status, ms);
    const health = healthRoutes(readiness, work, config.WORK_LATE_MS);
    const app = appOf(context, { parts, health, transportRoutes: durable?.transportRoutes, onRequest });
    const endWaitsAfterMs = config.DRAIN_TIMEOUT_MS / 2;
    const drainable = { stopping, endWaitsAfterMs, stopTasks: () => stopTasks(), ...durable };
    const { onUpgrade } = parts;
    return { app, onUpgrade, log, onRequest, begin, drain: (ends) => drain({ ...drainable, ...ends }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A service's own routes with those that every service has. */
function appOf(
  { config, log, metrics, tracing }: ServiceContext,
  options: { parts: ServiceParts; health: Router; transportRoutes: Router | undefined; onRequest: OnRequest },
): Express {
  const { parts, health, transportRoutes, onRequest } = options;
  return createApp({
    log,
    onRequest,
    tracing,
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
