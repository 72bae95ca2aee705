import type { Options } from 'amqplib';
import { inlineSchema, type JsonSchema } from '@flash-sale/contract/api/json-schema.ts';
import {
  batchesExchange,
  batchKey,
  batchQueue,
  batchQueueOf,
  deadQueueOf,
  eventsExchange,
  eventsExchangeType,
  serviceQueue,
  subscribingServices,
} from './amqp-topology.ts';
import { envelope, eventTypes, type EventType } from '@flash-sale/contract/events/schemas.ts';
import { subscribersOf, subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';

export interface AsyncApiDocument {
  asyncapi: '3.0.0';
  info: JsonSchema;
  defaultContentType: 'application/json';
  channels: Record<string, JsonSchema>;
  operations: Record<string, JsonSchema>;
  components: { messages: Record<string, JsonSchema>; schemas: Record<string, JsonSchema> };
}

const bindingVersion = '0.3.0';

const introduction = `What the services tell each other over RabbitMQ.

- The events of a transaction that go to one service travel in one message, a JSON array of them. It is published to the exchange
  \`${batchesExchange}\`; its routing key is the first word of its events' types and the service, as in \`stock.order\`.
- An event may also travel by itself: one that is too large for a batch, all events while a service is rolled out whose processes
  take no batches yet, and what comes again after a failure. Then it is published to the exchange \`${eventsExchange}\`; its routing key is
  its type, and so is the AMQP property \`type\`.
- The AMQP property \`message-id\` is the event's id, which stays the same however often the event is delivered; of a batch, the
  id of its first event.
- Delivery is at least once, in no promised order: a service that has handled an id ignores it when it comes again.
- Each service has one queue of its own name, bound to the types that it handles, and one for batches.
- An event that failed for now waits in a retry queue and then returns to the queue of its service alone; its routing key
  is the service's name from then on. What a service will never handle lies in its dead-letter queue.`;

/** Only what a retry adds, and what travels beside events: an event that comes for the first time may have no headers. */
const headers: JsonSchema = {
  type: 'object',
  properties: {
    'x-retry-count': { type: 'integer', minimum: 1, description: 'How often it has come back after a wait.' },
    'x-first-failure': { type: 'string', format: 'date-time', description: 'When it failed for the first time.' },
    'x-contexts': {
      type: 'string',
      description:
        'What travels beside the events: a JSON array with one for each, null for none, such as [{"traceparent": "00-…"}]. Nothing is decided by it.',
    },
  },
};

/** The events as an AsyncAPI 3.0 document, made from the schemas, subscriptions and queues that the services use. */
export function asyncApiDocument(): AsyncApiDocument {
  return {
    asyncapi: '3.0.0',
    info: { title: 'Flash sale: events', version: '1', description: introduction, license: { name: 'MIT' } },
    defaultContentType: 'application/json',
    channels: ofEachQueue((_service, of) => [of.queue, channelObject(of)]),
    operations: ofEachQueue((service, of) => [`${of.queue}.receive`, operationObject(service, of)]),
    components: {
      messages: {
        ...ofEach(eventTypes, messageObject),
        ...Object.fromEntries(subscribingServices.map((service) => [batchQueueOf(service), batchObject(service)])),
      },
      schemas: { Headers: headers, ...ofEach(eventTypes, (type) => inlineSchema(envelope(type))) },
    },
  };
}

interface QueueDescription {
  queue: string;
  description: string;
  /** Names in `components.messages`. */
  messages: readonly string[];
  options: Options.AssertQueue;
  exchange: { name: string; type: string; durable: boolean };
  routingKeys: readonly string[];
  /** Where the broker puts what comes back too often. */
  deadLetterQueue?: string;
}

const queuesOf = (service: ServiceName): QueueDescription[] => [
  {
    queue: service,
    description: `The queue of the service \`${service}\`.`,
    messages: subscriptions[service],
    options: serviceQueue(service),
    exchange: { name: eventsExchange, type: eventsExchangeType, durable: true },
    routingKeys: subscriptions[service],
    deadLetterQueue: deadQueueOf(service),
  },
  {
    queue: batchQueueOf(service),
    description: `The queue of the service \`${service}\` for batches.`,
    messages: [batchQueueOf(service)],
    options: batchQueue(),
    exchange: { name: batchesExchange, type: eventsExchangeType, durable: true },
    routingKeys: [batchKey('*', service)],
  },
];

/** The binding of a queue has no place for exchange and arguments: AsyncAPI wants those as extensions. */
function channelObject(of: QueueDescription): JsonSchema {
  const { durable } = of.options;
  const queueArguments: unknown = of.options.arguments;
  return {
    address: of.queue,
    description: of.description,
    messages: ofEach(of.messages, (name) => ({ $ref: `#/components/messages/${name}` })),
    bindings: {
      amqp: {
        is: 'queue',
        queue: { name: of.queue, durable, exclusive: false, autoDelete: false },
        'x-queue-arguments': queueArguments,
        'x-exchange': of.exchange,
        'x-routing-keys': of.routingKeys,
        ...(of.deadLetterQueue === undefined ? {} : { 'x-dead-letter-queue': of.deadLetterQueue }),
        bindingVersion,
      },
    },
  };
}

const operationObject = (service: ServiceName, { queue, messages }: QueueDescription): JsonSchema => ({
  action: 'receive',
  summary: `What ${service} handles; acknowledged when its work is committed.`,
  channel: { $ref: `#/channels/${queue}` },
  messages: messages.map((name) => ({ $ref: `#/channels/${queue}/messages/${name}` })),
  bindings: { amqp: { ack: true, deliveryMode: 2, bindingVersion } },
});

function batchObject(service: ServiceName): JsonSchema {
  const events = subscriptions[service].map((type) => ({ $ref: `#/components/schemas/${type}` }));
  return {
    name: batchQueueOf(service),
    summary: `Events of one transaction that ${service} handles.`,
    payload: { type: 'array', minItems: 1, items: { oneOf: events } },
    bindings: { amqp: { messageType: 'batch', bindingVersion } },
  };
}

function messageObject(type: EventType): JsonSchema {
  return {
    name: type,
    summary: `Handled by ${subscribersOf(type).join(' and ') || 'nobody'}.`,
    headers: { $ref: '#/components/schemas/Headers' },
    payload: { $ref: `#/components/schemas/${type}` },
    bindings: { amqp: { messageType: type, bindingVersion } },
  };
}

const ofEach = <K extends string>(keys: readonly K[], make: (key: K) => JsonSchema): Record<string, JsonSchema> =>
  Object.fromEntries(keys.map((key) => [key, make(key)]));

const ofEachQueue = (
  make: (service: ServiceName, of: QueueDescription) => [string, JsonSchema],
): Record<string, JsonSchema> =>
  Object.fromEntries(subscribingServices.flatMap((service) => queuesOf(service).map((of) => make(service, of))));
