import type { CommonConfig } from '../config.ts';
import { buildService, type BuiltService } from './build.ts';
import type { ServiceDefinition, TransportFactory } from './definition.ts';
import { endsWithin } from './drain.ts';
import { listen, type Listener } from './listener.ts';

/** How long closing connections may take after the drain: a server that is silent does not answer a goodbye. */
const closeWithinMs = 1_000;

export interface RunningService {
  url: string;
  /** Ends in a stop, when no request comes any more and all are answered. */
  quiet: Promise<void>;
  /**
   * Stops gracefully: no new work, what is under way is finished, at most DRAIN_TIMEOUT_MS.
   * @param othersQuiet until it has ended, others in this process may still bring work
   */
  stop: (othersQuiet?: Promise<unknown>) => Promise<void>;
}

/**
 * Migrates if it may, connects, listens.
 * @param processAs what the figures of the process are told as, as in Metrics
 * @throws when the database cannot be reached or lacks a migration, or the port is taken; nothing stays open
 */
export async function startService<Config extends CommonConfig, DB>(
  definition: ServiceDefinition<Config, DB>,
  config: Config,
  transportFactory: TransportFactory,
  processAs?: string | null,
): Promise<RunningService> {
  const service = await buildService(definition, config, transportFactory, processAs);
  const { app, log, onRequest } = service;
  const listening = listen({ app, log, onRequest, host: config.HOST, port: config.PORT });
  const listener = await listening.catch(async (error: unknown) => {
    await service.close();
    throw error;
  });
  log.info({ port: listener.port, stack: config.STACK }, 'ready');
  const quiet = Promise.withResolvers<void>();
  const stopListening = async (othersQuiet?: Promise<unknown>) => {
    await listener.close(config.DRAIN_IDLE_MS);
    quiet.resolve();
    await othersQuiet;
  };
  let stopped: Promise<void> | undefined;
  return {
    url: listener.url,
    quiet: quiet.promise,
    stop: (othersQuiet) => (stopped ??= stop(service, listener, config, () => stopListening(othersQuiet))),
  };
}

async function stop(
  service: BuiltService,
  listener: Listener,
  { DRAIN_TIMEOUT_MS: afterMs }: CommonConfig,
  stopListening: () => Promise<void>,
): Promise<void> {
  const { log } = service;
  const drained = service.drain(stopListening);
  if (!(await endsWithin(drained, afterMs)))
    log.warn({ afterMs }, 'not drained in time; what is left comes again from the outbox');
  listener.cut();
  await endsWithin(service.close(), closeWithinMs);
  log.info('stopped');
}
