import type { GetMessage } from 'amqplib';
import type { ServiceName } from '@flash-sale/contract/services.ts';

/** A message that a service could not handle, as far as it can be told. */
export interface DeadLetter {
  service: ServiceName;
  id: string;
  type: string;
  reason: string;
  firstFailure: string;
  retries: number;
  stack: string | undefined;
  content: string;
}

/** Reads what the service, or the broker itself, has written on a message. Never throws. */
export function deadLetterOf({ properties, content }: GetMessage, service: ServiceName): DeadLetter {
  const headers = (properties.headers ?? {}) as Record<string, unknown>;
  const retries = headers['x-retry-count'];
  return {
    service,
    id: textOf(properties.messageId) ?? '(no id)',
    type: textOf(headers['x-original-type']) ?? textOf(properties.type) ?? '(no type)',
    reason: textOf(headers['x-reason']) ?? brokersReason(headers),
    firstFailure: textOf(headers['x-first-failure']) ?? '(not known)',
    retries: typeof retries === 'number' ? retries : 0,
    stack: textOf(headers['x-stack']),
    content: content.toString(),
  };
}

/** The broker puts aside by itself what its consumer died over again and again. */
function brokersReason(headers: Record<string, unknown>): string {
  // The last comes first: one that has waited for another try was moved before, when its time was over.
  const deaths: unknown = headers['x-death'];
  const last = Array.isArray(deaths) ? (deaths[0] as { reason?: unknown } | undefined) : undefined;
  const reason = textOf(last?.reason) ?? textOf(headers['x-first-death-reason']);
  if (reason === undefined) return '(not known)';
  return reason === 'delivery_limit' ? 'came back too often: its service ended while handling it' : `broker: ${reason}`;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
