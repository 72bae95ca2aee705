import { layouts, processOfServices, type LayoutName } from '@flash-sale/shared/layouts.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { settingOf } from '@flash-sale/shared/service/environments.ts';
import { needsRabbitmq, type StackName } from '@flash-sale/shared/stacks.ts';
import {
  databaseNameOf,
  databases,
  databasesOf,
  ownDatabaseOf,
  type DatabaseName,
} from '../launcher/database-names.ts';
import { rabbitmqUsers } from '../launcher/rabbitmq-users.ts';
import { redisUsers, type RedisUser } from '../launcher/redis-users.ts';
import type { Blocks } from '../listed-blocks.ts';
import { instances, layoutOf, processesOf, servicesWithDemo, type ProcessOfServices } from './containers.ts';
import { rabbitmqCommand, redisCommand } from './server-commands.ts';
import { brokerPassword, ownerPassword, redisPassword, runtimePassword } from './setup-config.ts';

/* What follows from our lists in the files of Compose, which cannot read them. */

/** As Compose fills it in from .env, and says what makes that. */
const required = (name: string) => `\${${name}:?run infra/docker/secrets}`;

const databaseUrl = (name: DatabaseName) => {
  const role = databaseNameOf(name);
  return `postgres://${role}:${required(runtimePassword(name))}@postgres:5432/${role}`;
};
/** Of the replica, where there is one: Compose leaves it empty otherwise. */
const readDatabaseUrl = (name: DatabaseName) =>
  `\${POSTGRES_REPLICA:+${databaseUrl(name).replace('@postgres:', '@${POSTGRES_REPLICA}:')}}`;
const redisUrl = (user: RedisUser) => `redis://${user}:${required(redisPassword(user))}@redis:6379`;

/** What each service has of its own: its databases, and its user of Redis. */
function serversOf(name: ServiceName): [string, string][] {
  const own = ownDatabaseOf(name);
  return [
    ...databasesOf(name).map((one): [string, string] => [`${one.setting}_URL`, databaseUrl(one.name)]),
    ...(own === undefined ? [] : [['READ_DATABASE_URL', readDatabaseUrl(own)] as [string, string]]),
    ['REDIS_URL', redisUrl(name)],
  ];
}

/** In the network of the services, below the addresses that are given out. */
const addressOf = (index: number, instance: number) => `\${SHOP_NETWORK:-10.97.31}.${(index + 1) * 10 + instance}`;

const eachInstance = (layout: LayoutName, line: (container: string, address: string) => string) =>
  processesOf(layout).flatMap(({ name }, index) =>
    instances.map((instance) => line(`${name}-${instance}`, addressOf(index, instance))),
  );

/** @param text the file as it is: which services have settings of their own is said there, by hand */
export function blocksOfServices(text: string): Blocks {
  const withSettings = serviceNames.filter((name) => text.includes(`&${name}-settings\n`));
  const ofLayout = (layout: LayoutName) => ({
    containers: processesOf(layout).flatMap((process, index) => containersOf(process, index, withSettings)),
    addresses: eachInstance(layout, (container, address) => `${container}: ${address}`),
    waits: eachInstance(layout, (container) => `${container}: { condition: service_healthy }`),
  });
  const [separate, shared] = [ofLayout('separate'), ofLayout('shared')];
  return {
    service: separate.containers,
    'process of all services': shared.containers,
    'instance, with its address': separate.addresses,
    'instance, to wait for': separate.waits,
    'process of all, with its address': shared.addresses,
    'process of all, to wait for': shared.waits,
    'service with demo data': servicesWithDemo.flatMap(demoOf),
    'service with demo data, to wait for': servicesWithDemo.map(
      (name) => `demo-${name}: { condition: service_completed_successfully, required: false }`,
    ),
  };
}

function containersOf({ name, holds }: ProcessOfServices, index: number, withSettings: ServiceName[]): string[] {
  const together = holds.length > 1;
  const servers = together
    ? holds.flatMap(({ service, port }) => [
        `${settingOf(service, 'PORT')}: '${port}'`,
        ...serversOf(service).map(([setting, value]) => `${settingOf(service, setting)}: ${value}`),
      ])
    : serversOf(holds[0]!.service).map(([setting, value]) => `${setting}: ${value}`);
  const settings = withSettings
    .filter((service) => holds.some((held) => held.service === service))
    .map((service) => `*${service}-settings`);
  const build = together ? 'target: services' : `target: service, args: { SERVICE: ${name} }`;
  const network = (instance: number) =>
    `networks: { shop: { ipv4_address: '${addressOf(index, instance)}' }, data: {}, metrics: {} }`;
  const [first, ...others] = instances;
  return [
    `${name}-${first}:`,
    `  <<: &${name}`,
    `    extends: { service: ${together ? 'service-of-all' : 'service'} }`,
    `    image: flash-sale/${name}:local`,
    `    environment: &${name}-environment`,
    `      SERVICE_INSTANCE: '${first}'`,
    ...servers.map((line) => `      ${line}`),
    ...(settings.length > 0 ? [`      <<: [${settings.join(', ')}]`] : []),
    `  build: { context: ../.., ${build} }`,
    `  ${network(first)}`,
    ...others.flatMap((instance) => [
      `${name}-${instance}:`,
      `  <<: *${name}`,
      `  ${network(instance)}`,
      `  environment: { <<: *${name}-environment, SERVICE_INSTANCE: '${instance}' }`,
    ]),
  ];
}

/** By a path that leads to it in the image of the service, and in that of all services. */
const demoOf = (name: ServiceName) => [
  `demo-${name}:`,
  `  <<: *${name}`,
  '  profiles: [demo]',
  `  entrypoint: [node, /app/services/${name}/src/demo.ts]`,
  "  restart: 'no'",
  '  networks: { data: {} }',
  `  environment: { <<: [*demo, *${name}-environment] }`,
];

export function blocksOfServers(): Blocks {
  return {
    database: databases
      .flatMap((name) => [ownerPassword(name), runtimePassword(name)])
      .map((name) => `${name}: ${required(name)}`),
    'user of Redis': redisUsers.map((user) => `${redisPassword(user)}: ${required(redisPassword(user))}`),
    'user of Redis, with its rights': redisCommand(),
  };
}

export function blocksOfStack(stack: StackName): Blocks {
  const hasBroker = needsRabbitmq(stack);
  const layout = layoutOf(stack);
  const containerOf = (name: string, service: ServiceName, ...more: string[]) => {
    const parts = [
      `<<: *${hasBroker ? service : 'architecture'}`,
      `extends: { file: infra/docker/services.yml, service: ${name} }`,
      ...more,
    ];
    return `${name}: { ${parts.join(', ')} }`;
  };
  return {
    'container of services': [
      ...processesOf(layout).flatMap(({ name, holds }) =>
        instances.map((instance) => containerOf(`${name}-${instance}`, holds[0]!.service)),
      ),
      ...servicesWithDemo.map((name) =>
        containerOf(
          `demo-${name}`,
          name,
          ...(layouts[layout].together ? [`image: flash-sale/${processOfServices}:local`] : []),
        ),
      ),
    ],
    ...(hasBroker ? blocksOfBroker(stack) : {}),
  };
}

function blocksOfBroker(stack: StackName): Blocks {
  return {
    'service, as a user of RabbitMQ': serviceNames.flatMap((name) => [
      `x-${name}: &${name}`,
      '  <<: *architecture',
      `  environment: { STACK: ${stack}, AMQP_URL: 'amqp://${name}:${required(brokerPassword(name))}@rabbitmq:5672' }`,
    ]),
    'user of RabbitMQ': rabbitmqUsers.map((user) => `${brokerPassword(user)}: ${required(brokerPassword(user))}`),
    'user of RabbitMQ, with its rights': rabbitmqCommand(),
  };
}
