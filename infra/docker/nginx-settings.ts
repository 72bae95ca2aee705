import { stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import { renderNginxConfig } from '../launcher/nginx-config.ts';
import { instances, serversBy } from './containers.ts';

/** The same rules as of `npm start`, with the names of the instances of each service for addresses. */
export function nginxConfigForContainers(template: string, stack: StackName): string {
  return renderNginxConfig(template, {
    dataDir: '/tmp',
    accessLog: '/dev/stdout',
    publicListen: ['0.0.0.0:8080'],
    // By this name only the network of the services knows this container: the listener is on no other network.
    internalListen: 'nginx-internal:8081',
    balance: stacks[stack].balancing,
    servers: serversBy(stack, (process, port) => instances.map((instance) => `${process}-${instance}:${port}`)),
    openFiles: 16_384,
  });
}
