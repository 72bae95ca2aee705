import type { CommonConfig } from '../config.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { processOfServices } from '../layouts.ts';
import type { ServiceDefinition, TransportFactory } from './definition.ts';
import { startService, type RunningService } from './service.ts';

/** A service with its configuration, to be started with others in one process. */
export interface Startable {
  name: ServiceName;
  config: CommonConfig;
  start: (transport: TransportFactory, processAs: string | null) => Promise<RunningService>;
}

export const startable = <Config extends CommonConfig, DB>(
  definition: ServiceDefinition<Config, DB>,
  config: Config,
): Startable => ({
  name: definition.name,
  config,
  start: (transport, processAs) => startService(definition, config, transport, processAs),
});

/** What is the process's, and so the same for all services in it. */
const ofTheProcess = ['STACK', 'RUN_AS', 'LAUNCHER_PIPE'] as const;

/** @throws when services that are to share a process disagree about it */
export function processConfigOf(services: Startable[]): Pick<CommonConfig, (typeof ofTheProcess)[number]> {
  for (const name of ofTheProcess)
    if (new Set(services.map(({ config }) => config[name])).size > 1)
      throw new Error(`${name} is the same for all services of a process, and was given in several ways`);
  return services[0]!.config;
}

/**
 * Starts services in this process, all at once.
 * @throws when one of them cannot start, with its name and the reason; nothing stays open
 */
export async function startTogether(
  services: Startable[],
  transport: TransportFactory,
): Promise<Pick<RunningService, 'stop'>> {
  const starts = await Promise.allSettled(
    services.map(({ start }, index) => start(transport, index === 0 ? processOfServices : null)),
  );
  const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failures = starts.flatMap((start, index) =>
    start.status === 'rejected' ? [`${services[index]!.name}: ${reasonOf(start.reason)}`] : [],
  );
  if (failures.length > 0) {
    await stopTogether(running);
    throw new Error(failures.join('; '));
  }
  return { stop: () => stopTogether(running) };
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** All drain at once; none goes on from there while another still has a request to answer, which may need it. */
async function stopTogether(running: RunningService[]): Promise<void> {
  const allQuiet = Promise.all(running.map(({ quiet }) => quiet));
  await Promise.all(running.map(({ stop }) => stop(allQuiet)));
}
