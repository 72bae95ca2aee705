import { services, type ServiceName } from '../launcher/database-names.ts';
import { balanceOf, renderNginxConfig } from '../launcher/nginx-config.ts';

export const servicePort = 3000;

/**
 * The same rules as of `npm start`, with names instead of addresses: a service's name leads to all its instances, and
 * nginx asks for it again every second, since a container that is started anew may get another address.
 */
export function nginxConfigForContainers(template: string, stack: 'sync' | 'async'): string {
  return renderNginxConfig(template, {
    dataDir: '/tmp',
    errorLog: 'stderr',
    publicListen: '0.0.0.0:8080',
    // By this name only the network of the services knows this container: the listener is on no other network.
    internalListen: 'nginx-internal:8081',
    balance: balanceOf(stack),
    servers: Object.fromEntries(services.map((name) => [name, [`${name}:${servicePort} resolve`]])) as Record<
      ServiceName,
      string[]
    >,
    resolver: '${NGINX_LOCAL_RESOLVERS} valid=1s ipv6=off',
    openFiles: 16_384,
  });
}
