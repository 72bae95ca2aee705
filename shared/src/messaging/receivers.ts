import type { ServiceName } from '../events/subscriptions.ts';

/** So many different events may fail at a service that handles nothing else, and each still be taken for what is at fault. */
const mostLone = 2;

/**
 * Tells an outage of a service from an event that fails there by itself, by what became of others that were sent from here:
 * while those get through, it is the event. Of one or two that fail alone, with nothing else to go by, it is the event, too:
 * otherwise a single one could close a shop at night, for nothing comes any more that would show the service to be well.
 */
export class Receivers {
  readonly #handledAtMs = new Map<ServiceName, number>();
  /** The events that have failed since the service handled its last one, as far as it matters how many. */
  readonly #failing = new Map<ServiceName, Set<string>>();

  /** To be called whenever a service has handled an event, or has it for good. */
  handled(service: ServiceName): void {
    this.#handledAtMs.set(service, performance.now());
    this.#failing.delete(service);
  }

  /**
   * Why an event was not handled, in the light of what became of others.
   * @param seen what it looks like by itself
   * @param triedBeforeAtMs when its last try began, on the clock of `performance`; undefined for the first
   */
  judge(
    service: ServiceName,
    eventId: string,
    seen: 'unreachable' | 'transient',
    triedBeforeAtMs?: number,
  ): 'unreachable' | 'transient' {
    // Whatever this try came to, such as running out of time over a row that somebody has locked.
    if (triedBeforeAtMs !== undefined && (this.#handledAtMs.get(service) ?? -Infinity) > triedBeforeAtMs)
      return 'transient';
    if (seen === 'unreachable') return seen;
    const failing = this.#failing.get(service) ?? new Set();
    this.#failing.set(service, failing);
    if (failing.size <= mostLone) failing.add(eventId);
    return failing.size > mostLone ? 'unreachable' : 'transient';
  }
}
