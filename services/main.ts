/** Runs one instance of each service in this process: with its own configuration, database and listener each. */
import { Neighbours } from '@flash-sale/shared/messaging/in-process-transport.ts';
import type { CommonConfig, EnvironmentOf } from '@flash-sale/shared/config.ts';
import type { ServiceDefinition } from '@flash-sale/shared/service/definition.ts';
import { readServiceEnvironments } from '@flash-sale/shared/service/environments.ts';
import { runServices } from '@flash-sale/shared/service/run.ts';
import { startable } from '@flash-sale/shared/service/together.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';

type Config = { readConfig: (...from: EnvironmentOf) => CommonConfig };
type Service = Record<string, ServiceDefinition<CommonConfig, unknown>>;

const environments = readServiceEnvironments();
const services = await Promise.all(
  serviceNames.map(async (name) => {
    const { readConfig } = (await import(`./${name}/src/config.ts`)) as Config;
    const { [`${name}Service`]: definition } = (await import(`./${name}/src/service.ts`)) as Service;
    return startable(definition!, readConfig(environments[name], name));
  }),
);
await runServices(services, transportFor(services[0]!.config.STACK, new Neighbours()));
