import { createHash } from 'node:crypto';
import type { Channel, Options } from 'amqplib';
import { subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';

/** Here an event is published by itself, for all who handle it; the routing key is its type. */
export const eventsExchange = 'events';
export const eventsExchangeType = 'topic';
/** Here the events of a transaction that go to one service are published in one message; the routing key is of `batchKey`. */
export const batchesExchange = 'batches';
/** The first word tells whose events they are: RabbitMQ refuses them from others, as it does where they come by themselves. */
export const batchKey = (subject: string, service: ServiceName): string => `${subject}.${service}`;
/** Where the broker puts what it puts aside by itself; the routing key is the service's name. */
export const deadLettersExchange = 'dead-letters';
/**
 * Where a service puts what it will never handle, under its own name. RabbitMQ confines users to routing keys in exchanges of
 * type topic alone, so that here, and where retries begin, nobody can put anything into the queue of another.
 */
export const serviceDeadLettersExchange = 'services.dead-letters';

/** Beyond it a queue refuses what is published, and the events stay in their outboxes. */
const maxMessages = 1_000_000;
/** How often a message may come back from a consumer that died over it. */
const deliveryLimit = 20;
/** For queues that are only looked through: each look counts as a delivery, and from 4.0 on the default is 20. */
const unlimitedDeliveries = 1_000_000_000;

/** A message that failed for now waits here, where it comes by the exchange, and then returns to the queue of its service. */
export const retrySteps = [
  { name: 'retry.1s', exchange: 'services.retry.1s', delayMs: 1_000 },
  { name: 'retry.5s', exchange: 'services.retry.5s', delayMs: 5_000 },
  { name: 'retry.30s', exchange: 'services.retry.30s', delayMs: 30_000 },
] as const;
export type RetryStep = (typeof retrySteps)[number];

/** The services that have queues: one of the service's name, and one for batches. */
export const subscribingServices: readonly ServiceName[] = serviceNames.filter(
  (service) => subscriptions[service].length > 0,
);

export const batchQueueOf = (service: ServiceName) => `${service}.batches` as const;

/** Every queue from which services are brought events. */
export const consumedQueues = subscribingServices.flatMap((service) => [service, batchQueueOf(service)]);

/** Where messages of a service lie that somebody has to look at. */
export const deadQueueOf = (service: ServiceName): string => `${service}.dead`;

/** What is on disk of a majority when it is confirmed, and full rather than forgetful. */
const quorumQueue = (limits: { deliveries: number }, extra: Record<string, unknown> = {}) => ({
  durable: true,
  arguments: {
    'x-queue-type': 'quorum',
    'x-max-length': maxMessages,
    'x-overflow': 'reject-publish',
    'x-delivery-limit': limits.deliveries,
    ...extra,
  },
});

/** The queue of a service, as it is declared. */
export const serviceQueue = (service: ServiceName) =>
  quorumQueue(
    { deliveries: deliveryLimit },
    {
      'x-dead-letter-exchange': deadLettersExchange,
      'x-dead-letter-routing-key': service,
      'x-dead-letter-strategy': 'at-least-once',
    },
  );

/**
 * The queue of a service for batches, as it is declared. The broker puts none of them aside: one that has come back repeatedly is
 * taken apart by its service, and the event at fault is then put aside alone, out of the service's other queue.
 */
export const batchQueue = () => quorumQueue({ deliveries: unlimitedDeliveries });

export interface Topology {
  exchanges: { name: string; type: string; options: Options.AssertExchange }[];
  queues: { name: string; options: Options.AssertQueue }[];
  bindings: { queue: string; exchange: string; key: string }[];
}

/** Every exchange, queue and binding of the platform, in the order of their making. A later release only adds to it. */
export const topology: Topology = {
  exchanges: [
    { name: eventsExchange, type: eventsExchangeType, options: { durable: true } },
    { name: batchesExchange, type: 'topic', options: { durable: true } },
    { name: deadLettersExchange, type: 'direct', options: { durable: true } },
    { name: serviceDeadLettersExchange, type: 'topic', options: { durable: true } },
    ...retrySteps.flatMap(({ name, exchange }) => [
      // For services of a release before.
      { name, type: 'direct', options: { durable: true } },
      { name: exchange, type: 'topic', options: { durable: true } },
    ]),
  ],
  queues: [
    ...subscribingServices.map((service) => ({
      name: deadQueueOf(service),
      options: quorumQueue({ deliveries: unlimitedDeliveries }),
    })),
    ...subscribingServices.map((service) => ({ name: service, options: serviceQueue(service) })),
    ...subscribingServices.map((service) => ({ name: batchQueueOf(service), options: batchQueue() })),
    ...retrySteps.map(({ name, delayMs }) => ({
      name,
      // Without a routing key of its own a message keeps its first, the service, which in the default exchange is a queue.
      options: quorumQueue(
        { deliveries: unlimitedDeliveries },
        { 'x-message-ttl': delayMs, 'x-dead-letter-exchange': '', 'x-dead-letter-strategy': 'at-least-once' },
      ),
    })),
  ],
  bindings: subscribingServices.flatMap((service) => [
    ...[deadLettersExchange, serviceDeadLettersExchange].map((exchange) => ({
      queue: deadQueueOf(service),
      exchange,
      key: service,
    })),
    ...subscriptions[service].map((key) => ({ queue: service, exchange: eventsExchange, key })),
    { queue: batchQueueOf(service), exchange: batchesExchange, key: batchKey('*', service) },
    ...retrySteps.flatMap(({ name, exchange }) => [
      { queue: name, exchange: name, key: service },
      { queue: name, exchange, key: service },
    ]),
  ]),
};

/**
 * An exchange to which nobody publishes, named after the whole topology and declared last: who finds it knows that a set-up
 * of its own release, or of one like it, has come to its end. Nothing else tells whether a queue is bound.
 */
export const topologyMark = `topology.${createHash('sha256').update(JSON.stringify(topology)).digest('hex').slice(0, 12)}`;

/**
 * Declares everything. For the set-up alone, by a user who may, before the services start and over whatever is there; it
 * may be repeated at any time.
 * @throws when something exists already with other properties
 */
export async function assertTopology(channel: Channel): Promise<void> {
  const { exchanges, queues, bindings } = topology;
  for (const { name, type, options } of exchanges) await channel.assertExchange(name, type, options);
  for (const { name, options } of queues) await channel.assertQueue(name, options);
  for (const { queue, exchange, key } of bindings) await channel.bindQueue(queue, exchange, key);
  await channel.assertExchange(topologyMark, 'direct', { durable: true, internal: true });
}

/**
 * Looks whether everything is there, and declares nothing: no right is needed for that. An event would be lost on a service
 * whose queue is missing while another one takes it, so that whoever publishes asks for all of them.
 * @throws when something is missing, with what it is
 */
export async function checkTopology(channel: Channel): Promise<void> {
  for (const { name } of topology.queues) await found('queue', name, channel.checkQueue(name));
  for (const { name } of [...topology.exchanges, { name: topologyMark }])
    await found('exchange', name, channel.checkExchange(name));
}

const notFound = 404;

async function found(kind: string, name: string, look: Promise<unknown>): Promise<void> {
  await look.catch((error: Error & { code?: unknown }) => {
    if (error.code !== notFound) throw error;
    throw new Error(
      `RabbitMQ has no ${kind} ${name}: the set-up has not made it (npm start, infra/docker/setup-broker.ts)`,
      { cause: error },
    );
  });
}
