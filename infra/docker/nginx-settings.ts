import { stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { renderNginxConfig } from '../launcher/nginx-config.ts';

/** The same rules as of `npm start`, with the names of two instances of each service for addresses. */
export function nginxConfigForContainers(template: string, stack: StackName): string {
  const instances = serviceNames.map((name) => [name, [1, 2].map((instance) => `${name}-${instance}:3000`)]);
  return renderNginxConfig(template, {
    dataDir: '/tmp',
    accessLog: '/dev/stdout',
    publicListen: ['0.0.0.0:8080'],
    // By this name only the network of the services knows this container: the listener is on no other network.
    internalListen: 'nginx-internal:8081',
    balance: stacks[stack].balancing,
    servers: Object.fromEntries(instances) as Record<ServiceName, string[]>,
    openFiles: 16_384,
  });
}
