import { inlineSchema, type JsonSchema } from '@flash-sale/contract/api/json-schema.ts';
import { deadQueueOf, eventsExchange, eventsExchangeType, serviceQueue, subscribingServices } from './amqp-topology.ts';
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

- Every event is published to the exchange \`${eventsExchange}\`; its routing key is its type, and so is the AMQP property \`type\`.
- The AMQP property \`message-id\` is the event's id, which stays the same however often the event is delivered.
- Delivery is at least once, in no promised order: a service that has handled an id ignores it when it comes again.
- Each service has one queue, of its own name, bound to the types that it handles.
- A message that failed for now waits in a retry queue and then returns to the queue of its service alone; its routing key
  is the service's name from then on. What a service will never handle lies in its dead-letter queue.`;

/** Only what a retry adds: an event that comes for the first time has no headers. */
const headers: JsonSchema = {
  type: 'object',
  properties: {
    'x-retry-count': { type: 'integer', minimum: 1, description: 'How often it has come back after a wait.' },
    'x-first-failure': { type: 'string', format: 'date-time', description: 'When it failed for the first time.' },
  },
};

/** The events as an AsyncAPI 3.0 document, made from the schemas, subscriptions and queues that the services use. */
export function asyncApiDocument(): AsyncApiDocument {
  return {
    asyncapi: '3.0.0',
    info: { title: 'Flash sale: events', version: '1', description: introduction, license: { name: 'MIT' } },
    defaultContentType: 'application/json',
    channels: ofEach(subscribingServices, channelObject),
    operations: Object.fromEntries(subscribingServices.map((name) => [`${name}.receive`, operationObject(name)])),
    components: {
      messages: ofEach(eventTypes, messageObject),
      schemas: { Headers: headers, ...ofEach(eventTypes, (type) => inlineSchema(envelope(type))) },
    },
  };
}

/** The binding of a queue has no place for exchange and arguments: AsyncAPI wants those as extensions. */
function channelObject(service: ServiceName): JsonSchema {
  const { durable, arguments: queueArguments } = serviceQueue(service);
  return {
    address: service,
    description: `The queue of the service \`${service}\`.`,
    messages: ofEach<EventType>(subscriptions[service], (type) => ({ $ref: `#/components/messages/${type}` })),
    bindings: {
      amqp: {
        is: 'queue',
        queue: { name: service, durable, exclusive: false, autoDelete: false },
        'x-queue-arguments': queueArguments,
        'x-exchange': { name: eventsExchange, type: eventsExchangeType, durable: true },
        'x-routing-keys': subscriptions[service],
        'x-dead-letter-queue': deadQueueOf(service),
        bindingVersion,
      },
    },
  };
}

function operationObject(service: ServiceName): JsonSchema {
  return {
    action: 'receive',
    summary: `What ${service} handles; acknowledged when its work is committed.`,
    channel: { $ref: `#/channels/${service}` },
    messages: subscriptions[service].map((type) => ({ $ref: `#/channels/${service}/messages/${type}` })),
    bindings: { amqp: { ack: true, deliveryMode: 2, bindingVersion } },
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
