import { z } from 'zod';
import { parseEvent, type DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { Logger } from '../log.ts';
import { inContextOf } from './event-context.ts';
import type { Failure } from './transport.ts';

const identified = z.object({ id: z.uuid() });

/**
 * The events that were brought to a service, as copies that are its own; those that cannot be read, be it that they are of a later
 * release, fail whenever they come. Each has the context of what was brought.
 */
export function readEvents(
  brought: readonly unknown[],
  log: Pick<Logger, 'error'>,
): { events: DomainEvent[]; unreadable: Failure[] } {
  const events: DomainEvent[] = [];
  const unreadable: Failure[] = [];
  for (const input of brought) {
    try {
      events.push(inContextOf(input, parseEvent(input)));
    } catch (error) {
      const eventId = identified.safeParse(input).data?.id;
      log.error({ eventId, reason: String(error).slice(0, 500) }, 'event cannot be read');
      if (eventId) unreadable.push({ eventId, kind: 'poison', reason: 'not readable' });
    }
  }
  return { events, unreadable };
}
