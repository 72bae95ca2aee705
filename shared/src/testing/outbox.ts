import type { NewEvent } from '@flash-sale/contract/events/schemas.ts';
import type { Result } from '../messaging/decision.ts';

type Answer<R> = R extends unknown ? Omit<R, 'events'> : never;

/** Collects the events of decisions, as the lane does; `tell` answers what is left of a result: what its caller is told. */
export function anOutbox(): { events: NewEvent[]; tell: <R extends Result>(result: R) => Answer<R> } {
  const events: NewEvent[] = [];
  return {
    events,
    tell<R extends Result>({ events: told, ...answer }: R) {
      events.push(...told);
      return answer as unknown as Answer<R>;
    },
  };
}
