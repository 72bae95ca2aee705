import { databaseSchema } from '@flash-sale/shared/config.ts';
import { subjectOf, subjects, subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import { serviceNames, services, servicesWithDatabase, type ServiceName } from '@flash-sale/contract/services.ts';
import type { EventType } from '@flash-sale/contract/events/schemas.ts';
import { stacks } from '@flash-sale/shared/stacks.ts';
import type { StackCosts } from './results.ts';

/** The events of a checkout that ends well. */
const checkoutEvents = [
  'reservation.requested',
  'stock.held',
  'order.opened',
  'payment.requested',
  'payment.captured',
  'order.paid',
  'stock.committed',
] as const satisfies EventType[];

/** Of one checkout. */
export interface Costs {
  cpuMs: Record<string, number>;
  requests: number;
  transactions: number;
  commits: number;
  walBytes: number;
  walSyncs: number;
  storedBytes: number;
  redisCommands: number;
  events: number;
  deliveries: number;
  /** Those in which the events travel; each is delivered once. */
  messages: number;
  brokerDiskBytes: number;
  /** Not of a checkout but of the run: what shared a transaction on average, and how long one took. */
  inventory: { itemsPerTransaction: number; transactionMs: number };
  connectionsPerInstance: number;
}

export function costsOf({ checkouts, spent, connections, instancesPerService, stack }: StackCosts): Costs {
  const { cpuSeconds, diskBytes, services, postgres, redis } = spent;
  const sum = (of: 'requests' | 'transactions') => serviceNames.reduce((sum, name) => sum + services[name][of], 0);
  const { transactions, items, transactionSeconds } = services.inventory;
  const published = stacks[stack].events === 'amqp' ? checkoutEvents : [];
  const transactionsOf = (service: ServiceName) => services[service].transactions / checkouts;
  return {
    cpuMs: Object.fromEntries(
      Object.entries(cpuSeconds).map(([name, seconds]) => [name, (seconds * 1_000) / checkouts]),
    ),
    requests: sum('requests') / checkouts,
    transactions: sum('transactions') / checkouts,
    commits: postgres.commits / checkouts,
    walBytes: postgres.walBytes / checkouts,
    walSyncs: postgres.walSyncs / checkouts,
    storedBytes: postgres.databaseBytes / checkouts,
    redisCommands: redis.commands / checkouts,
    events: published.length,
    deliveries: published.reduce((sum, type) => sum + subscribersOf(type).length, 0),
    messages: messagesOf(published, transactionsOf),
    brokerDiskBytes: (diskBytes['rabbitmq'] ?? 0) / checkouts,
    inventory: {
      itemsPerTransaction: items / transactions,
      transactionMs: (transactionSeconds * 1_000) / transactions,
    },
    connectionsPerInstance: connections / (instancesPerService * servicesWithDatabase.length),
  };
}

/**
 * In how many messages these events travel, at most. Those of a transaction that go to one service travel in one, so that each transaction
 * makes one for each of the services that its own tells of something, and there are never more than there are events to bring. What a
 * service tells itself alone may have to be prepared, and then has a message of its own (`Outgoing`).
 * @param transactionsOf how many a checkout takes of a service
 */
function messagesOf(events: readonly EventType[], transactionsOf: (service: ServiceName) => number): number {
  const ofService = (service: ServiceName) => {
    const told = events.filter((type) => subjectOf(type) === subjects[service]);
    const toItself = told.filter((type) => subscribersOf(type).every((receiver) => receiver === service));
    const receivers = told.filter((type) => !toItself.includes(type)).flatMap(subscribersOf);
    return toItself.length + Math.min(transactionsOf(service) * new Set(receivers).size, receivers.length);
  };
  return serviceNames.reduce((sum, service) => sum + ofService(service), 0);
}

/** How busy processors may be on average: above that, queues grow faster than the load (M/M/1: at 0.6 a wait is 1.5 times the work). */
export const busyShare = 0.6;

/** Of a process that handles events one after the other, no more than one processor can be used. */
const coresPerInstance = 1;

export interface Needs {
  checkoutsPerSecond: number;
  cores: Record<string, number>;
  instances: Record<ServiceName, number>;
  connections: number;
  walBytesPerSecond: number;
  storedBytesPerHour: number;
  redisCommandsPerSecond: number;
  messagesPerSecond: number;
  brokerDiskBytesPerSecond: number;
}

/** As many as a process ever opens: the lane, the reads, the tasks, and one to each database beside its own. */
const connectionsOf = (service: ServiceName) => {
  const { hasDatabase, furtherDatabases } = services[service];
  return (hasDatabase ? 1 + databaseSchema.shape.READ_POOL_SIZE.parse(undefined) + 1 : 0) + furtherDatabases.length;
};

/** Straight proportion, which is on the safe side: the more comes at once, the more shares a transaction. */
export function needsAt(costs: Costs, checkoutsPerSecond: number): Needs {
  const cores = Object.fromEntries(
    Object.entries(costs.cpuMs).map(([name, ms]) => [name, (ms * checkoutsPerSecond) / 1_000 / busyShare]),
  );
  const instances = Object.fromEntries(
    serviceNames.map((name) => [name, Math.max(2, Math.ceil((cores[name] ?? 0) / coresPerInstance))]),
  ) as Record<ServiceName, number>;
  return {
    checkoutsPerSecond,
    cores,
    instances,
    connections: serviceNames.reduce((sum, name) => sum + instances[name] * connectionsOf(name), 0),
    walBytesPerSecond: costs.walBytes * checkoutsPerSecond,
    storedBytesPerHour: costs.storedBytes * checkoutsPerSecond * 3_600,
    redisCommandsPerSecond: costs.redisCommands * checkoutsPerSecond,
    messagesPerSecond: costs.messages * checkoutsPerSecond,
    brokerDiskBytesPerSecond: costs.brokerDiskBytes * checkoutsPerSecond,
  };
}

export interface Limit {
  resource: string;
  need: number;
  limit: number;
  unit: string;
  /** How the need comes about. */
  arithmetic: string;
  /** Why the limit is where it is. */
  because: string;
  /** What to do when it is reached. */
  remedy: string;
}

/** What one of each can give, the tightest first. */
export function limitsAt(costs: Costs, needs: Needs): Limit[] {
  const { checkoutsPerSecond: rate } = needs;
  const perSecond = rate.toLocaleString('en-US');
  const { itemsPerTransaction, transactionMs } = costs.inventory;
  const all: Limit[] = [
    {
      resource: 'a hot product',
      need: rate * 2,
      limit: (largestBatch / transactionMs) * 1_000,
      unit: 'holds and sales a second',
      arithmetic: `${perSecond} × 2 (held, then sold)`,
      because: `its row is locked by one transaction at a time: ${largestBatch} in one of ${transactionMs.toFixed(0)} ms, as long as those of the measured run with ${itemsPerTransaction.toFixed(0)} in each; a standby that commits wait for adds its round trip`,
      remedy:
        'split its stock into several products of the same name, each with a part of the units, and send shoppers to one by their id',
    },
    {
      resource: "PostgreSQL's processors",
      need: needs.cores['postgres'] ?? 0,
      limit: serverCores,
      unit: 'cores',
      arithmetic: `${ms(costs.cpuMs['postgres'])} × ${perSecond}/s ÷ ${busyShare}`,
      because: 'a large server',
      remedy: 'a server for each database: no query spans two of them; then cells',
    },
    {
      resource: 'connections to PostgreSQL',
      need: needs.connections,
      limit: mostConnections,
      unit: 'connections',
      arithmetic: `${Object.values(needs.instances).reduce((sum, n) => sum + n, 0)} processes × ${connectionsOf('order')}, and 1 more of ${needs.instances.payment}`,
      because: `each is a process of the server; beyond some hundreds they cost more than they bring; counted is what a process may open (in the measured run it had ${costs.connectionsPerInstance.toFixed(1)})`,
      remedy:
        'a server for each database divides them by five; READ_POOL_SIZE 1; PgBouncer in transaction mode for the reads',
    },
    {
      resource: "PostgreSQL's log",
      need: needs.walBytesPerSecond / 1e6,
      limit: diskMegabytes,
      unit: 'MB/s',
      arithmetic: `${kilobytes(costs.walBytes)} × ${perSecond}/s`,
      because: 'a fast disk on its own',
      remedy: 'a server for each database; then cells',
    },
    {
      resource: 'Redis',
      need: needs.redisCommandsPerSecond,
      limit: redisCommands,
      unit: 'commands a second',
      arithmetic: `${costs.redisCommands.toFixed(1)} × ${perSecond}/s`,
      because: `one thread; measured with unpipelined scripts, ${(1e6 / redisCommands).toFixed(0)} µs each. In the measured run, where it had little to do, a command cost ${microseconds(costs)} µs, and the cores above are reckoned by that: by them one thread is full at ${redisFullAt(costs)} checkouts a second`,
      remedy: 'one Redis for rate limits, one for stock, one for those who wait; then a cluster: keys are by product',
    },
  ];
  if (costs.events > 0) {
    all.push({
      resource: "RabbitMQ's processors",
      need: needs.cores['rabbitmq'] ?? 0,
      limit: serverCores,
      unit: 'cores',
      arithmetic: `${ms(costs.cpuMs['rabbitmq'])} × ${perSecond}/s ÷ ${busyShare}`,
      because: 'a large server, as long as one node has all leaders',
      remedy: 'larger nodes, and the leaders of the queues on different ones; then cells',
    });
    all.push({
      resource: 'RabbitMQ',
      need: needs.messagesPerSecond,
      limit: brokerMessages,
      unit: 'messages a second',
      arithmetic: `${costs.messages.toFixed(1)} × ${perSecond}/s, at most: one a transaction and service that it tells`,
      because:
        'measured with one quorum queue on a node of its own and two cores, a thousand confirms under way; replicas cost more',
      remedy: 'the leaders of the queues on different nodes: four services, two queues each; then cells',
    });
  }
  return all.toSorted((one, other) => other.need / other.limit - one.need / one.limit);
}

const largestBatch = databaseSchema.shape.BATCH_MAX.parse(undefined);
const serverCores = 64;
const mostConnections = 500;
const diskMegabytes = 500;
const redisCommands = 109_000;
const brokerMessages = 80_000;

const redisMs = (costs: Costs) => costs.cpuMs['redis'] ?? 0;
const microseconds = (costs: Costs) => ((redisMs(costs) * 1_000) / costs.redisCommands).toFixed(0);
const redisFullAt = (costs: Costs) =>
  Math.round((busyShare * 1_000) / redisMs(costs)).toLocaleString('en-US', { maximumSignificantDigits: 2 });

const ms = (value = 0) => `${value.toFixed(2)} ms`;
const kilobytes = (bytes: number) => `${(bytes / 1e3).toFixed(1)} kB`;
