/** Runs one instance of each service in this process: with its own configuration, database (if it has one) and listener each. */
import { Neighbours } from '@flash-sale/shared/messaging/in-process-transport.ts';
import type { CommonConfig } from '@flash-sale/shared/config.ts';
import type { Service } from '@flash-sale/shared/service/assembly.ts';
import { readConfigs, type ReadConfig } from '@flash-sale/shared/service/environments.ts';
import { runServices } from '@flash-sale/shared/service/run.ts';
import { startable } from '@flash-sale/shared/service/together.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';

/** What each service exports by this name from the module at this path in its folder. */
async function ofEach<Value>(path: string, nameOf: (service: ServiceName) => string) {
  const found = serviceNames.map(async (service) => {
    const module = (await import(`./${service}/src/${path}`)) as Record<string, Value>;
    return [service, module[nameOf(service)]!] as const;
  });
  return Object.fromEntries(await Promise.all(found)) as Record<ServiceName, Value>;
}

const configs = readConfigs(await ofEach<ReadConfig>('config.ts', () => 'readConfig'));
const services = await ofEach<Service<CommonConfig>>('service.ts', (name) => `${name}Service`);
const startables = serviceNames.map((name) => startable(services[name], configs[name]));
await runServices(startables, transportFor(configs[serviceNames[0]!].STACK, new Neighbours()));
