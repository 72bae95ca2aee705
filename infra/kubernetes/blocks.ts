import { stringify } from 'yaml';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { needsRabbitmq, type StackName, stackNames } from '@flash-sale/shared/stacks.ts';
import { layoutOf, processesOf } from '../docker/containers.ts';
import { brokerPassword, ownerPassword, runtimePassword } from '../docker/setup-config.ts';
import { auditorRole, databaseNameOf, databases } from '../launcher/database-names.ts';
import { rabbitmqUsers } from '../launcher/rabbitmq-users.ts';
import { permissionsOf, redisUsers } from '../launcher/redis-users.ts';
import type { Blocks } from '../listed-blocks.ts';
import { autoscalers, maxConnections } from './autoscalers.ts';
import { hasSettings, secretOfRole, secretVariable } from './service-manifests.ts';

/* What follows from our lists in files for Kubernetes that are otherwise written by hand. */

const ownerOf = (role: string) => `${role}_owner`;
const roles = databases.map(databaseNameOf);

const lines = (value: unknown): string[] =>
  stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split('\n');
/** Several documents of one file. */
export const documents = (all: object[]): string[] =>
  all.flatMap((one, i) => [...(i > 0 ? ['---'] : []), ...lines(one)]);

/** By the path of the file in this folder. */
export const blocksOf: Record<string, Blocks> = {
  'base/kustomization.yaml': {
    'service with settings': lines(
      serviceNames.filter(hasSettings).map((name) => ({ name: `${name}-settings`, envs: [`settings/${name}.env`] })),
    ),
  },
  'base/set-up.yaml': {
    'role of a database': lines(
      databases.flatMap((name) => [
        secretVariable(ownerPassword(name), secretOfRole(ownerOf(databaseNameOf(name))), 'password'),
        secretVariable(runtimePassword(name), secretOfRole(databaseNameOf(name)), 'password'),
      ]),
    ),
  },
  'infrastructure/databases.yaml': {
    database: documents(
      roles.map((role) => ({
        apiVersion: 'postgresql.cnpg.io/v1',
        kind: 'Database',
        metadata: { name: role.replaceAll('_', '-') },
        spec: {
          cluster: { name: 'postgres' },
          name: role,
          owner: ownerOf(role),
          encoding: 'UTF8',
          template: 'template0',
          databaseReclaimPolicy: 'retain',
        },
      })),
    ),
  },
  'infrastructure/postgres.yaml': {
    'database, and who may enter': lines(
      roles.map((role) => `host ${role} ${role},${ownerOf(role)},${auditorRole} all scram-sha-256`),
    ),
    'pod and service, how many connections': lines({ max_connections: String(maxConnections()) }),
    'role of a database': lines(
      roles.flatMap((role) =>
        [ownerOf(role), role].map((name) => ({ name, login: true, passwordSecret: { name: secretOfRole(name) } })),
      ),
    ),
  },
  'infrastructure/valkey-values.yaml': {
    user: lines(
      Object.fromEntries(redisUsers.map((user) => [user, { permissions: permissionsOf(user), passwordKey: user }])),
    ),
  },
  'secrets.sh': {
    'name of the lists': [
      `databases='${databases.join(' ')}'`,
      `valkey_users='${redisUsers.join(' ')}'`,
      `rabbitmq_users='${rabbitmqUsers.join(' ')}'`,
    ],
  },
  ...Object.fromEntries(
    stackNames.map((stack) => [
      `overlays/${stack}/autoscalers.yaml`,
      { 'process of services': documents(autoscalers(stack)) },
    ]),
  ),
  ...ofStacks(needsRabbitmq, 'set-up-broker.yaml', {
    'user of RabbitMQ': lines(
      rabbitmqUsers.map((user) => secretVariable(brokerPassword(user), `broker-${user}`, 'password')),
    ),
  }),
  ...ofStacks((stack) => processesOf(layoutOf(stack)).some(({ holds }) => holds.length > 1), 'network-policies.yaml', {
    'further port': lines(processesOf('shared').flatMap(({ holds }) => holds.slice(1).map(({ port }) => ({ port })))),
  }),
};

/** A file that some overlays have. */
function ofStacks(has: (stack: StackName) => boolean, file: string, blocks: Blocks): Record<string, Blocks> {
  return Object.fromEntries(stackNames.filter(has).map((stack) => [`overlays/${stack}/${file}`, blocks]));
}
