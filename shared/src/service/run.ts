import { flushCompileCache } from 'node:module';
import type { CommonConfig } from '../config.ts';
import { ignoreLostOutput } from '../log-destination.ts';
import type { ServiceDefinition, TransportFactory } from './definition.ts';
import { loadLazyCode } from './lazy-code.ts';
import { dropPrivileges } from './privileges.ts';
import { startService } from './service.ts';

/** Runs a service as a process: starts it, stops it on SIGTERM or SIGINT, exits 1 when it cannot start. */
export async function runService<Config extends CommonConfig, DB>(
  definition: ServiceDefinition<Config, DB>,
  config: Config,
  transportFactory: TransportFactory,
): Promise<void> {
  ignoreLostOutput();
  try {
    await loadLazyCode();
    // Now, and not at the end: a stop that waits for ten processes to write their compiled code takes ten seconds. And a
    // process of root may not be allowed to write there later.
    flushCompileCache();
    dropPrivileges(config.RUN_AS);
    const service = await startService(definition, config, transportFactory);
    const stop = () => void service.stop().then(() => process.exit(0));
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    if (config.LAUNCHER_PIPE) process.stdin.resume().once('end', stop);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `${definition.name} cannot start: ${reason}\nNothing was changed beyond what its migrations add.\n`,
    );
    process.exit(1);
  }
}
