import type { Message, Options } from 'amqplib';
import { parseEvent, type DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import { subjectOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import {
  batchesExchange,
  batchKey,
  eventsExchange,
  serviceDeadLettersExchange,
  retrySteps,
  type RetryStep,
} from './amqp-topology.ts';

const maxReasonLength = 500;
const maxStackLength = 4_000;

/** A message with where it is to go. */
export interface Publication {
  exchange: string;
  routingKey: string;
  content: Buffer;
  options: Options.Publish & { messageId: string };
  /** How many events it carries; one unless given. */
  events?: number;
}

/** Why a message is put aside for somebody to look at. */
export interface FailureReason {
  reason: string;
  stack?: string | undefined;
}

/** An event on its way to all who handle it. @param nowS seconds since 1970 @param text it as JSON */
export function eventPublication(event: DomainEvent, nowS: number, text = JSON.stringify(event)): Publication {
  return {
    exchange: eventsExchange,
    routingKey: event.type,
    content: Buffer.from(text),
    options: {
      messageId: event.id,
      type: event.type,
      contentType: 'application/json',
      timestamp: nowS,
      persistent: true,
      mandatory: true,
    },
  };
}

/**
 * Events on their way to one service that handles them, in one message: a JSON array of what each would be by itself.
 * @param subject the first word of all of them
 * @param events at least one, as JSON
 * @param firstId of the first of them
 */
export function batchPublication(
  { subject, service, events, firstId }: { subject: string; service: ServiceName; events: string[]; firstId: string },
  nowS: number,
): Publication {
  return {
    exchange: batchesExchange,
    routingKey: batchKey(subject, service),
    content: Buffer.from(`[${events.join(',')}]`),
    options: {
      messageId: firstId,
      type: 'batch',
      contentType: 'application/json',
      timestamp: nowS,
      persistent: true,
      mandatory: true,
    },
    events: events.length,
  };
}

/** Of a message that was put aside: the routing key by which it was published as an event. */
const firstKeyHeader = 'x-first-key';

/** What a message carries: an event, or something that is none. */
export interface Carried {
  /** Undefined for what cannot be read; then `unreadable` says why. */
  event: DomainEvent | undefined;
  unreadable?: string;
  /** It alone, as the message that its sender would have made of it. */
  alone: () => Message;
}

/** Everything that a message carries. Never throws: what of a batch cannot be read does not concern the rest. */
export function readMessage(message: Message, service: ServiceName): { isBatch: boolean; carried: Carried[] } {
  let content: unknown;
  try {
    content = JSON.parse(message.content.toString());
  } catch (error) {
    return { isBatch: false, carried: [{ event: undefined, unreadable: reasonOf(error), alone: () => message }] };
  }
  if (!Array.isArray(content))
    return { isBatch: false, carried: [carriedIn(content, message, service, () => message)] };
  const carried = content.map((one) => carriedIn(one, message, service, () => aloneOf(one, message, service)));
  return { isBatch: true, carried };
}

function carriedIn(content: unknown, message: Message, service: ServiceName, alone: () => Message): Carried {
  try {
    return { event: eventIn(content, message, service), alone };
  } catch (error) {
    return { event: undefined, unreadable: reasonOf(error), alone };
  }
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');

/** What its batch should not have carried keeps the key by which that is seen. */
function aloneOf(one: unknown, { fields, properties }: Message, service: ServiceName): Message {
  const { id, type } = { ...(one as { id?: unknown; type?: unknown } | null) };
  const isRightful = fields.exchange === batchesExchange && isKeyOf(fields.routingKey, textOf(type), service);
  const published = isRightful ? { ...fields, exchange: eventsExchange, routingKey: textOf(type) } : fields;
  return {
    content: Buffer.from(JSON.stringify(one)),
    fields: published,
    properties: { ...properties, messageId: textOf(id), type: textOf(type), headers: {} },
  };
}

/**
 * @throws when the message is no event, or one of an unknown type or version. Or when it has come by another routing key than it
 * should, by its type or that of its batch at first and after a wait by its service: by that key RabbitMQ tells who may publish it.
 * One that was put aside and is replayed is judged by its first key again
 */
export const readEvent = (message: Message, service: ServiceName): DomainEvent =>
  eventIn(JSON.parse(message.content.toString()), message, service);

function eventIn(content: unknown, message: Message, service: ServiceName): DomainEvent {
  const { fields } = message;
  const event = parseEvent(content);
  const firstKey = firstKeyOf(message);
  if (firstKey !== undefined && !isKeyOf(firstKey, event.type, service)) throw wrongKey(firstKey, event.type);
  if (!isFirst(message) && fields.routingKey !== service) throw wrongKey(fields.routingKey, service);
  return event;
}

/** Whether an event of this type may come by this key to a service: by itself, or in a batch. */
const isKeyOf = (key: string, type: string, service: ServiceName) =>
  key === type || key === batchKey(subjectOf(type), service);

const wrongKey = (key: string, expected: string) => new Error(`came by the key ${key} instead of ${expected}`);

/** Whether a message comes as it was published, not after a wait. */
const isFirst = ({ fields }: Message) => fields.exchange === eventsExchange || fields.exchange === batchesExchange;

/** The key by which it was published as an event, as far as that is known; what waited does not know it, and was read before. */
function firstKeyOf(message: Message): string | undefined {
  const { fields, properties } = message;
  if (isFirst(message)) return fields.routingKey;
  const key: unknown = properties.headers?.[firstKeyHeader];
  return typeof key === 'string' ? key : undefined;
}

/** For who replays a message that was put aside: of its headers only what it will be judged by. */
export function replayOf(message: Message): Pick<Publication, 'content' | 'options'> {
  const firstKey = firstKeyOf(message);
  return copyOf(message, firstKey === undefined ? {} : { [firstKeyHeader]: firstKey });
}

/** How often the message has come back after a wait; 0 unless its header says otherwise. */
export const retryCountOf = (message: Message): number => countOf(message, 'x-retry-count');

/** What has come back so often may be what its consumers die over. */
const suspectAfterDeliveries = 3;

/** Whether the message was brought repeatedly and came back, because whoever had it was lost; the broker counts it. */
export const isSuspect = (message: Message): boolean => countOf(message, 'x-delivery-count') >= suspectAfterDeliveries;

function countOf(message: Message, header: string): number {
  const count: unknown = message.properties.headers?.[header];
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** Where a message waits before it comes for the nth time again; from the last step on the waits stay as long. */
export const retryStepFor = (retry: number): RetryStep => retrySteps[Math.min(retry, retrySteps.length) - 1]!;

/** The same message, to come again to the same service after a while. */
export function retryPublication(message: Message, service: ServiceName, now: Date): Publication {
  const retry = retryCountOf(message) + 1;
  const headers = { 'x-retry-count': retry, 'x-first-failure': firstFailureOf(message) ?? now.toISOString() };
  return { exchange: retryStepFor(retry).exchange, routingKey: service, ...copyOf(message, headers) };
}

/** The same message, to be put aside with what is wrong with it. */
export function deadPublication(
  message: Message,
  service: ServiceName,
  { reason, stack }: FailureReason,
  now: Date,
): Publication {
  const firstKey = firstKeyOf(message);
  const headers = {
    ...(firstKey === undefined ? {} : { [firstKeyHeader]: firstKey }),
    'x-reason': reason.slice(0, maxReasonLength),
    ...(stack === undefined ? {} : { 'x-stack': stack.slice(0, maxStackLength) }),
    'x-first-failure': firstFailureOf(message) ?? now.toISOString(),
    'x-retry-count': retryCountOf(message),
    'x-original-type': typeOf(message),
    'x-service': service,
  };
  return { exchange: serviceDeadLettersExchange, routingKey: service, ...copyOf(message, headers) };
}

/** The type of event that a message claims to be; empty when it claims nothing. */
export const typeOf = ({ properties }: Message): string => textOf(properties.type);

/** Content and properties as they came; the headers only those given, for others' would add up from round to round. */
export function copyOf(message: Message, headers: Record<string, unknown>): Pick<Publication, 'content' | 'options'> {
  const timestamp: unknown = message.properties.timestamp;
  return {
    content: message.content,
    options: {
      messageId: textOf(message.properties.messageId),
      type: typeOf(message),
      contentType: textOf(message.properties.contentType) || 'application/octet-stream',
      ...(typeof timestamp === 'number' ? { timestamp } : {}),
      headers,
      persistent: true,
      mandatory: true,
    },
  };
}

function firstFailureOf(message: Message): string | undefined {
  const time: unknown = message.properties.headers?.['x-first-failure'];
  return typeof time === 'string' ? time : undefined;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
