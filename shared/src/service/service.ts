import type { CommonConfig } from '../config.ts';
import { buildService, type BuiltService } from './build.ts';
import type { ServiceDefinition, TransportFactory } from './definition.ts';
import { endsWithin } from './drain.ts';
import { listen, type Listener } from './listener.ts';

export type { TransportFactory } from './definition.ts';

/** How long closing connections may take after the drain: a server that is silent does not answer a goodbye. */
const closeWithinMs = 1_000;

export interface RunningService {
  url: string;
  /** Stops gracefully: no new work, what is under way is finished, at most DRAIN_TIMEOUT_MS. */
  stop: () => Promise<void>;
}

/**
 * Migrates if it may, connects, listens.
 * @throws when the database cannot be reached or lacks a migration, or the port is taken; nothing stays open
 */
export async function startService<Config extends CommonConfig, DB>(
  definition: ServiceDefinition<Config, DB>,
  config: Config,
  transportFactory: TransportFactory,
): Promise<RunningService> {
  const service = await buildService(definition, config, transportFactory);
  const { app, log, onRequest } = service;
  const listening = listen({ app, log, onRequest, host: config.HOST, port: config.PORT });
  const listener = await listening.catch(async (error: unknown) => {
    await service.close();
    throw error;
  });
  log.info({ port: listener.port, stack: config.STACK }, 'ready');
  let stopped: Promise<void> | undefined;
  return { url: listener.url, stop: () => (stopped ??= stop(service, listener, config)) };
}

async function stop(service: BuiltService, listener: Listener, config: CommonConfig): Promise<void> {
  const { log } = service;
  const { DRAIN_TIMEOUT_MS: afterMs, DRAIN_IDLE_MS } = config;
  const drained = service.drain(() => listener.close(DRAIN_IDLE_MS));
  if (!(await endsWithin(drained, afterMs)))
    log.warn({ afterMs }, 'not drained in time; what is left comes again from the outbox');
  listener.cut();
  await endsWithin(service.close(), closeWithinMs);
  log.info('stopped');
}
