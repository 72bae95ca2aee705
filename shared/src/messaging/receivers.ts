import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';

/** So often a failure of one event counts against its receiver: what goes on failing says nothing new of that. */
const failuresThatCount = 3;
/** A service that fails so many different events and handles none in between is away, whatever it says of each. */
const outageFrom = 10;

interface Tally {
  handled: number;
  failed: number;
  /** The events that have failed since the last one was handled, as far as it matters how many. */
  failing: Set<string>;
}

interface Tries {
  count: number;
  /** As the tally of the service stood at the last one. */
  handled: number;
  failed: number;
}

/**
 * Tells an outage of a service from an event that does not get through there by itself, such as one that waits for a row
 * which somebody has locked: by what became of all that were sent there from here since the last try of the event. While more
 * get through than fail, it is the event. A service that handles something now and then is not well for that.
 */
export class Receivers {
  readonly #tallies = new Map<ServiceName, Tally>();
  /** Of events that have failed; each is the same object at each of its tries. */
  readonly #tries = new Map<ServiceName, WeakMap<DomainEvent, Tries>>();

  /** To be called whenever a service has handled so many events, or has them for good. */
  handled(service: ServiceName, events = 1): void {
    if (events === 0) return;
    const tally = this.#tallyOf(service);
    tally.handled += events;
    tally.failing.clear();
  }

  /**
   * To be called whenever an event did not get through to a service.
   * @param seen what it looks like by itself: `transient` when the service has said so of this very event
   * @returns what it is in the light of what became of others; of the first try of what was not answered nobody can say that it
   *   is the event
   */
  failed(service: ServiceName, event: DomainEvent, seen: 'unreachable' | 'transient'): 'unreachable' | 'transient' {
    const tally = this.#tallyOf(service);
    const tries = this.#triesAt(service);
    const before = tries.get(event);
    const othersGetThrough = before !== undefined && tally.handled - before.handled > tally.failed - before.failed;
    const count = (before?.count ?? 0) + 1;
    if (count <= failuresThatCount) tally.failed += 1;
    if (tally.failing.size < outageFrom) tally.failing.add(event.id);
    tries.set(event, { count, handled: tally.handled, failed: tally.failed });
    if (seen === 'transient') return tally.failing.size >= outageFrom ? 'unreachable' : 'transient';
    return othersGetThrough ? 'transient' : 'unreachable';
  }

  #tallyOf(service: ServiceName): Tally {
    const tally = this.#tallies.get(service) ?? { handled: 0, failed: 0, failing: new Set() };
    this.#tallies.set(service, tally);
    return tally;
  }

  #triesAt(service: ServiceName): WeakMap<DomainEvent, Tries> {
    const tries = this.#tries.get(service) ?? new WeakMap<DomainEvent, Tries>();
    this.#tries.set(service, tries);
    return tries;
  }
}
