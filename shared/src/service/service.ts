import type { CommonConfig } from '../config.ts';
import { buildService, type BuiltService } from './build.ts';
import type { Service } from './assembly.ts';
import type { TransportFactory } from './definition.ts';
import { endsWithin } from './drain.ts';
import { listen, type Listener } from './listener.ts';

/** How long closing connections may take after the drain: a server that is silent does not answer a goodbye. */
const closeWithinMs = 1_000;

export interface RunningService {
  url: string;
  /** Ends in a stop, when all requests are answered and it begins nothing any more. */
  idle: Promise<void>;
  /**
   * Stops gracefully: no new work, what is under way is finished, at most DRAIN_TIMEOUT_MS.
   * @param othersIdle until it has ended, others in this process may still bring work
   */
  stop: (othersIdle?: Promise<unknown>) => Promise<void>;
}

/** A service that takes events of others in its process, and does nothing by itself yet. */
export interface PreparedService {
  /** Sets it to work, and listens. @throws when the port is taken; nothing stays open */
  open: () => Promise<RunningService>;
  /** Instead of opening it. Never rejects. */
  close: () => Promise<void>;
}

/**
 * Opens what the service needs, migrates its database if it may, builds it and listens.
 * @param processAs what the figures of the process are told as, as in Metrics
 * @throws when the database cannot be reached or lacks a migration, or the port is taken; nothing stays open
 */
export async function startService<Config extends CommonConfig>(
  service: Service<Config>,
  config: Config,
  transportFactory: TransportFactory,
  processAs?: string | null,
): Promise<RunningService> {
  return (await prepareService(service, config, transportFactory, processAs)).open();
}

/** As far as it can go before others in this process are there: what `startService` does before it listens. */
export async function prepareService<Config extends CommonConfig>(
  service: Service<Config>,
  config: Config,
  transportFactory: TransportFactory,
  processAs?: string | null,
): Promise<PreparedService> {
  const built = await buildService(service, config, transportFactory, processAs);
  return { open: () => open(built, config), close: built.close };
}

async function open(service: BuiltService, config: CommonConfig): Promise<RunningService> {
  const { app, onUpgrade, log, onRequest } = service;
  service.begin();
  const listening = listen({ app, onUpgrade, log, onRequest, host: config.HOST, port: config.PORT });
  const listener = await listening.catch(async (error: unknown) => {
    // Others in this process may keep it from ending what it is at; that it cannot start is to be heard all the same.
    await endsWithin(service.close(), closeWithinMs);
    throw error;
  });
  log.info({ port: listener.port, stack: config.STACK }, 'ready');
  const idle = Promise.withResolvers<void>();
  const stopListening = () => listener.close(config.DRAIN_IDLE_MS);
  let stopped: Promise<void> | undefined;
  return {
    url: listener.url,
    idle: idle.promise,
    stop: (othersIdle) =>
      (stopped ??= stop(service, listener, config, { stopListening, onIdle: idle.resolve, othersIdle })),
  };
}

async function stop(
  service: BuiltService,
  listener: Listener,
  { DRAIN_TIMEOUT_MS: afterMs }: CommonConfig,
  ends: Parameters<BuiltService['drain']>[0],
): Promise<void> {
  const { log } = service;
  const drained = service.drain(ends);
  if (!(await endsWithin(drained, afterMs)))
    log.warn({ afterMs }, 'not drained in time; what is left comes again from the outbox');
  listener.cut();
  await endsWithin(service.close(), closeWithinMs);
  log.info('stopped');
}
