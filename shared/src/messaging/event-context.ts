import { z } from 'zod';
import { readTraceparent, traceparentPattern, type TraceContext } from '../tracing/trace-context.ts';

/**
 * What travels beside an event and is never a part of it: whoever follows a purchase needs it, no service decides by it, and an event that
 * has lost it is as good as before.
 */
export interface EventContext {
  /** By what it was brought about, as in W3C Trace Context. */
  readonly traceparent?: string | undefined;
  /** Since when it waits to be delivered, by the clock of who sends it, in ms since 1970; of what a sweep has found it is not known. */
  since?: number | undefined;
}

/**
 * A batch of more events than this travels without. A context is written in a hundred bytes, and with other headers they must fit into the
 * 64 KiB that amqplib has for all of a message's.
 */
const maxEvents = 400;
const maxTextBytes = 48 * 1024;

// Of a later release, what is not known here is left out; it is not refused, for the event is not to blame.
const schema = z.object({
  traceparent: z.string().regex(traceparentPattern).optional(),
  since: z.number().int().positive().optional(),
});

/** By the event as an object of this process, for its own fields are those of its schema alone. */
const contexts = new WeakMap<object, EventContext>();

export const contextOf = (event: object): EventContext | undefined => contexts.get(event);

/** @returns the event */
export function inContext<Event extends object>(event: Event, context: EventContext | undefined): Event {
  if (context) contexts.set(event, context);
  return event;
}

/** Of a copy, that of its original. @returns the copy */
export const inContextOf = <Event extends object>(original: unknown, copy: Event): Event =>
  typeof original === 'object' && original !== null ? inContext(copy, contexts.get(original)) : copy;

/** What brought events about, of those that have it. */
export const originsOf = (events: readonly object[]): TraceContext[] =>
  events.flatMap((event) => readTraceparent(contexts.get(event)?.traceparent) ?? []);

/** To be called when events are committed, and about to be delivered. */
export function waitFromNow(events: readonly object[]): void {
  for (const event of events) {
    const context = contexts.get(event);
    if (context) context.since = Date.now();
  }
}

/** The contexts of events in their order, null for each without; undefined where none has one, or they are too many to travel. */
export function contextsOf(events: readonly object[]): (EventContext | null)[] | undefined {
  if (events.length > maxEvents || !events.some((event) => contexts.has(event))) return undefined;
  return events.map((event) => contexts.get(event) ?? null);
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
  if (typeof text !== 'string' || Buffer.byteLength(text) > maxTextBytes) return;
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
