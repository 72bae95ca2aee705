import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stackNames, stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import { serversBy } from '../docker/containers.ts';
import { templates } from '../launcher/nginx.ts';
import { renderNginxConfig } from '../launcher/nginx-config.ts';

const namespace = 'flash-sale';
const generated = '# Written by `npm run kubernetes` from nginx/. Do not edit.\n';

/**
 * What nginx reads in Kubernetes, by where it lies in this folder: the launcher's template, with names for addresses. A
 * name of a headless service stands for all pods that are ready, and is asked for every two seconds; so nginx itself
 * balances over pods, by the same rules as everywhere. A service with an address of its own would choose per connection,
 * and nginx keeps connections. The names are whole ones, since nginx does not know the search path.
 */
export async function nginxFiles(): Promise<Record<string, string>> {
  const template = await readFile(join(templates, 'nginx.conf.template'), 'utf8');
  const asItIs = async (name: string) =>
    [`base/${name}`, generated + (await readFile(join(templates, name), 'utf8'))] as const;
  const conf = (stack: StackName) =>
    generated +
    renderNginxConfig(template, {
      dataDir: '/tmp',
      accessLog: '/dev/stdout',
      publicListen: ['0.0.0.0:8080'],
      internalListen: '0.0.0.0:8081',
      balance: stacks[stack].balancing,
      servers: serversBy(stack, (process, port) => [`${process}.${namespace}.svc.cluster.local:${port} resolve`]),
      resolver: 'kube-dns.kube-system.svc.cluster.local valid=2s ipv6=off',
      openFiles: 16_384,
    });
  return {
    ...Object.fromEntries(stackNames.map((stack) => [`overlays/${stack}/nginx.conf`, conf(stack)])),
    ...Object.fromEntries(await Promise.all(['problems.conf', 'cors.conf', 'edge.sh'].map(asItIs))),
  };
}
