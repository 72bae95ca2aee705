import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';

/**
 * What travels beside an event and is never a part of it: whoever follows a purchase needs it, no service decides by it, and an event that
 * has lost it is as good as before.
 */
export interface EventContext {
  /** By what it was brought about, as in W3C Trace Context. */
  readonly traceparent?: string | undefined;
}

/** More of a batch than this travels without. */
const maxTextBytes = 64 * 1024;

// Of a later release, what is not known here is left out; it is not refused, for the event is not to blame.
const schema = z.object({
  traceparent: z
    .string()
    .regex(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/)
    .optional(),
});

/** By the event as an object of this process, for its own fields are those of its schema alone. */
const contexts = new WeakMap<object, EventContext>();

/** In which context the code runs: that of a request, unless it is undefined. */
export const runningContext = new AsyncLocalStorage<EventContext>();

export const contextOf = (event: object): EventContext | undefined => contexts.get(event);

/** @returns the event */
export function inContext<Event extends object>(event: Event, context: EventContext | undefined): Event {
  if (context) contexts.set(event, context);
  return event;
}

/** Of a copy, that of its original. @returns the copy */
export const inContextOf = <Event extends object>(original: unknown, copy: Event): Event =>
  typeof original === 'object' && original !== null ? inContext(copy, contexts.get(original)) : copy;

/** The contexts of events in their order, null for each without; undefined where none has one, or they are too long to travel. */
export function contextsOf(events: readonly object[]): (EventContext | null)[] | undefined {
  if (!events.some((event) => contexts.has(event))) return undefined;
  const all = events.map((event) => contexts.get(event) ?? null);
  return JSON.stringify(all).length <= maxTextBytes ? all : undefined;
}

/**
 * Puts what has come beside events back beside them.
 * @param events as they came, read or not
 * @param given as many contexts, by `contextsOf`; what is anything else is left out
 */
export function bringInContext(events: readonly unknown[], given: unknown): void {
  if (!Array.isArray(given) || given.length !== events.length) return;
  events.forEach((event, at) => {
    const read = schema.safeParse(given[at]);
    if (typeof event === 'object' && event !== null && read.success) contexts.set(event, read.data);
  });
}

/** The same of a text that others have written: JSON, or nothing that can be read. */
export function bringInContextOfText(events: readonly unknown[], text: unknown): void {
  if (typeof text !== 'string' || text.length > maxTextBytes) return;
  try {
    bringInContext(events, JSON.parse(text));
  } catch {
    // Then they have none.
  }
}

/** For a record or a message: undefined where no event has a context. */
export function textOfContexts(events: readonly object[]): string | undefined {
  const all = contextsOf(events);
  return all && JSON.stringify(all);
}
