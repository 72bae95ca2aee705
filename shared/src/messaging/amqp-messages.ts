import type { Message, Options } from 'amqplib';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { contextsHeader, contextsHeaderOf, firstKeyHeader, firstKeyOf, shortStringOf } from './amqp-reading.ts';
import { textOfContexts } from './event-context.ts';
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
      ...headersOfContexts(textOfContexts([event])),
    },
  };
}

/** What travels beside the events of a message is in a header, which a release before does not read. */
const headersOfContexts = (text: string | undefined) =>
  text === undefined ? {} : { headers: { [contextsHeader]: text } };

/**
 * Events on their way to one service that handles them, in one message: a JSON array of what each would be by itself.
 * @param subject the first word of all of them
 * @param events at least one, as JSON
 * @param firstId of the first of them
 * @param contexts as by `textOfContexts`
 */
export function batchPublication(
  {
    subject,
    service,
    events,
    firstId,
    contexts,
  }: { subject: string; service: ServiceName; events: string[]; firstId: string; contexts?: string | undefined },
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
      ...headersOfContexts(contexts),
    },
    events: events.length,
  };
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
export const typeOf = ({ properties }: Message): string => shortStringOf(properties.type);

/**
 * Content and properties as they came, as far as they can be written again: amqplib reads texts and times that it does not write. The headers
 * only those given and what travels beside the event, for others' would add up from round to round.
 */
export function copyOf(message: Message, headers: Record<string, unknown>): Pick<Publication, 'content' | 'options'> {
  const timestamp: unknown = message.properties.timestamp;
  return {
    content: message.content,
    options: {
      messageId: shortStringOf(message.properties.messageId),
      type: typeOf(message),
      contentType: shortStringOf(message.properties.contentType) || 'application/octet-stream',
      ...(isTime(timestamp) ? { timestamp } : {}),
      headers: { ...contextsHeaderOf(message), ...headers },
      persistent: true,
      mandatory: true,
    },
  };
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function firstFailureOf(message: Message): string | undefined {
  return shortStringOf(message.properties.headers?.['x-first-failure']) || undefined;
}
