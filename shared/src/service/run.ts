import { flushCompileCache } from 'node:module';
import type { CommonConfig } from '../config.ts';
import { processOfServices, type LayoutName } from '../layouts.ts';
import { ignoreLostOutput } from '../log-destination.ts';
import { loadTracing } from '../tracing/open.ts';
import { reasonOf } from '../reason-of.ts';
import { layoutRefusal } from '../stacks.ts';
import type { Service } from './assembly.ts';
import type { TransportFactory } from './definition.ts';
import { loadLazyCode } from './lazy-code.ts';
import { dropPrivileges } from './privileges.ts';
import { startService, type RunningService } from './service.ts';
import { processConfigOf, startTogether, type Startable } from './together.ts';

/** Runs a service as a process: starts it, stops it on SIGTERM or SIGINT, exits 1 when it cannot start. */
export const runService = <Config extends CommonConfig>(
  service: Service<Config>,
  config: Config,
  transportFactory: TransportFactory,
): Promise<void> =>
  run(
    service.name,
    [config],
    () => runnable(config, 'separate'),
    () => startService(service, config, transportFactory),
  );

/** The same for several services in one process, which start and stop together. */
export const runServices = (services: Startable[], transportFactory: TransportFactory): Promise<void> =>
  run(
    processOfServices,
    services.map(({ config }) => config),
    () => runnable(processConfigOf(services), 'shared'),
    () => startTogether(services, transportFactory),
  );

/** @throws when the stack has no such processes */
function runnable<Config extends Pick<CommonConfig, 'STACK'>>(config: Config, layout: LayoutName): Config {
  const refusal = layoutRefusal(config.STACK, layout);
  if (refusal !== undefined) throw new Error(refusal);
  return config;
}

async function run(
  name: string,
  configs: CommonConfig[],
  configOf: () => Pick<CommonConfig, 'RUN_AS' | 'LAUNCHER_PIPE'>,
  start: () => Promise<Pick<RunningService, 'stop'>>,
): Promise<void> {
  ignoreLostOutput();
  try {
    const config = configOf();
    await Promise.all([loadLazyCode(), loadTracing(configs)]);
    // Now, and not at the end: a stop that waits for ten processes to write their compiled code takes ten seconds. And a
    // process of root may not be allowed to write there later.
    flushCompileCache();
    dropPrivileges(config.RUN_AS);
    const running = await start();
    const stop = () => void running.stop().then(() => process.exit(0));
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    if (config.LAUNCHER_PIPE) process.stdin.resume().once('end', stop);
  } catch (error) {
    process.stderr.write(
      `${name} cannot start: ${reasonOf(error)}\nIt took no request. Beyond what its migrations add, nothing was changed, unless events from a broker came meanwhile.\n`,
    );
    process.exit(1);
  }
}
