import type { Message } from 'amqplib';
import { parseEvent, type DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import { subjectOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { batchesExchange, batchKey, eventsExchange } from './amqp-topology.ts';
import { bringInContextOfText, inContextOf, textOfContexts } from './event-context.ts';

/** Of a message that was put aside: the routing key by which it was published as an event. */
export const firstKeyHeader = 'x-first-key';

/** What travels beside the events of a message, in their order. */
export const contextsHeader = 'x-contexts';

/** Several times what one event has. */
const maxBytesOfOne = 1_024;

/** It alone of the headers of a message with one event. A longer one is left behind: with others, it might be more than can be written. */
export function contextsHeaderOf({ properties }: Message): Record<string, string> {
  const text: unknown = properties.headers?.[contextsHeader];
  if (typeof text !== 'string' || Buffer.byteLength(text) > maxBytesOfOne) return {};
  return { [contextsHeader]: text.toWellFormed() };
}

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
  bringInContextOfText(Array.isArray(content) ? content : [content], message.properties.headers?.[contextsHeader]);
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
  const claimed = { ...(one as { id?: unknown; type?: unknown } | null) };
  const [id, type] = [shortStringOf(claimed.id), shortStringOf(claimed.type)];
  const isRightful = fields.exchange === batchesExchange && isKeyOf(fields.routingKey, type, service);
  const published = isRightful ? { ...fields, exchange: eventsExchange, routingKey: type } : fields;
  return {
    content: Buffer.from(JSON.stringify(one)),
    fields: published,
    properties: { ...properties, messageId: id, type, headers: headersOf(one) },
  };
}

/** Of what its batch has carried. */
function headersOf(one: unknown): Record<string, string> {
  const contexts = typeof one === 'object' && one !== null ? textOfContexts([one]) : undefined;
  return contexts === undefined ? {} : { [contextsHeader]: contexts };
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
  const event = inContextOf(content, parseEvent(content));
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
export function firstKeyOf(message: Message): string | undefined {
  const { fields, properties } = message;
  if (isFirst(message)) return fields.routingKey;
  const key: unknown = properties.headers?.[firstKeyHeader];
  // Cut off and not left out: who has no first key is not judged by it.
  return typeof key === 'string' ? key.slice(0, maxShortStringBytes) : undefined;
}

/** Most bytes of a routing key or a property that is text, as AMQP has them. */
const maxShortStringBytes = 255;

/**
 * What others have said as a text that a message can carry; empty when it is none, or too long: a part of an id would be another's. What
 * is no UTF-8 is replaced, for the broker returns it so.
 */
export function shortStringOf(value: unknown): string {
  if (typeof value !== 'string') return '';
  const text = value.toWellFormed();
  return Buffer.byteLength(text) <= maxShortStringBytes ? text : '';
}
