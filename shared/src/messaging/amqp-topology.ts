import type { Channel } from 'amqplib';
import { serviceNames, subscriptions, type ServiceName } from '../events/subscriptions.ts';

/** Every event is published here; the routing key is its type. */
export const eventsExchange = 'events';
export const eventsExchangeType = 'topic';
/** Where messages go that a service will never handle; the routing key is the service's name. */
export const deadLettersExchange = 'dead-letters';

/** Beyond it a queue refuses what is published, and the events stay in their outboxes. */
const mostMessages = 1_000_000;
/** How often a message may come back from a consumer that died over it. */
const deliveryLimit = 20;
/** For queues that are only looked through: each look counts as a delivery, and from 4.0 on the default is 20. */
const unlimitedDeliveries = 1_000_000_000;

/** A message that failed for now waits here, and then returns to the queue of its service. */
export const retrySteps = [
  { name: 'retry.1s', delayMs: 1_000 },
  { name: 'retry.5s', delayMs: 5_000 },
  { name: 'retry.30s', delayMs: 30_000 },
] as const;
export type RetryStep = (typeof retrySteps)[number];

/** The services that have a queue, which has the service's name. */
export const subscribingServices: readonly ServiceName[] = serviceNames.filter(
  (service) => subscriptions[service].length > 0,
);

/** Where messages of a service lie that somebody has to look at. */
export const deadQueueOf = (service: ServiceName): string => `${service}.dead`;

/** What is on disk of a majority when it is confirmed, and full rather than forgetful. */
const quorumQueue = (limits: { deliveries: number }, extra: Record<string, unknown> = {}) => ({
  durable: true,
  arguments: {
    'x-queue-type': 'quorum',
    'x-max-length': mostMessages,
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
 * Declares every exchange, queue and binding of the platform. Every process does so whenever it connects, so that no
 * event finds nowhere to go because the service that handles it has never been started.
 * @throws when something exists already with other properties
 */
export async function assertTopology(channel: Channel): Promise<void> {
  const durable = { durable: true };
  await channel.assertExchange(eventsExchange, eventsExchangeType, durable);
  await channel.assertExchange(deadLettersExchange, 'direct', durable);
  for (const service of subscribingServices) {
    const dead = deadQueueOf(service);
    await channel.assertQueue(dead, quorumQueue({ deliveries: unlimitedDeliveries }));
    await channel.bindQueue(dead, deadLettersExchange, service);
    await channel.assertQueue(service, serviceQueue(service));
    for (const type of subscriptions[service]) await channel.bindQueue(service, eventsExchange, type);
  }
  for (const { name, delayMs } of retrySteps) {
    await channel.assertExchange(name, 'direct', durable);
    // Without a routing key of its own a message keeps its first, the service, which in the default exchange is a queue.
    const backToService = {
      'x-message-ttl': delayMs,
      'x-dead-letter-exchange': '',
      'x-dead-letter-strategy': 'at-least-once',
    };
    await channel.assertQueue(name, quorumQueue({ deliveries: unlimitedDeliveries }, backToService));
    for (const service of subscribingServices) await channel.bindQueue(name, name, service);
  }
}
