import type { CommonConfig } from '../config.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { processOfServices } from '../layouts.ts';
import { reasonOf } from '../reason-of.ts';
import type { Service } from './assembly.ts';
import type { TransportFactory } from './definition.ts';
import { prepareService, type PreparedService, type RunningService } from './service.ts';

/** A service with its configuration, to be started with others in one process. */
export interface Startable {
  name: ServiceName;
  config: CommonConfig;
  prepare: (transport: TransportFactory, processAs: string | null) => Promise<PreparedService>;
}

export const startable = <Config extends CommonConfig>(service: Service<Config>, config: Config): Startable => ({
  name: service.name,
  config,
  prepare: (transport, processAs) => prepareService(service, config, transport, processAs),
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
 * Starts services in this process, all at once: none does anything, nor can be asked, before all are there to take its events.
 * @throws when one of them cannot start, with its name and the reason; nothing stays open
 */
export async function startTogether(
  services: Startable[],
  transport: TransportFactory,
): Promise<Pick<RunningService, 'stop'>> {
  const names = services.map(({ name }) => name);
  const prepared = await allOrNone(
    names,
    services.map(({ prepare }, index) => prepare(transport, index === 0 ? processOfServices : null)),
    (others) => Promise.all(others.map(({ close }) => close())),
  );
  const running = await allOrNone(
    names,
    prepared.map(({ open }) => open()),
    stopTogether,
  );
  return { stop: () => stopTogether(running) };
}

/** @throws when one of them fails, with the name and reason of each that does, after `undo` of those that did not */
async function allOrNone<Value>(
  names: ServiceName[],
  steps: Promise<Value>[],
  undo: (done: Value[]) => Promise<unknown>,
): Promise<Value[]> {
  const ended = await Promise.allSettled(steps);
  const done = ended.flatMap((step) => (step.status === 'fulfilled' ? [step.value] : []));
  const failures = ended.flatMap((step, index) =>
    step.status === 'rejected' ? [`${names[index]!}: ${reasonOf(step.reason)}`] : [],
  );
  if (failures.length === 0) return done;
  await undo(done);
  throw new Error(failures.join('; '));
}

/** All drain at once; none is gone while another may still begin something, which may need it. */
async function stopTogether(running: RunningService[]): Promise<void> {
  const allIdle = Promise.all(running.map(({ idle }) => idle));
  await Promise.all(running.map(({ stop }) => stop(allIdle)));
}
