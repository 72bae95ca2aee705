import type { DomainEvent } from '../events/schemas.ts';
import type { ServiceName } from '../events/subscriptions.ts';

interface Tally {
  handled: number;
  failed: number;
}

/**
 * Tells an outage of a service from an event that does not get through there by itself, such as one that waits for a row
 * which somebody has locked: by what became of all that were sent there from here since the last try of the event. While more
 * get through than fail, it is the event. A service that answers now and then is not well for that.
 */
export class Receivers {
  readonly #tallies = new Map<ServiceName, Tally>();
  /** As it stood at the last try of an event, which is the same object at each of its tries. */
  readonly #atLastTry = new Map<ServiceName, WeakMap<DomainEvent, Tally>>();

  /** To be called whenever a service has handled so many events, or has them for good. */
  handled(service: ServiceName, events = 1): void {
    this.#tallyOf(service).handled += events;
  }

  /**
   * To be called whenever an event did not get through to a service.
   * @returns why, in the light of what became of others; of a first try nobody can say that it is the event
   */
  failed(service: ServiceName, event: DomainEvent): 'unreachable' | 'transient' {
    const now = this.#tallyOf(service);
    const tries = this.#atLastTry.get(service) ?? new WeakMap<DomainEvent, Tally>();
    this.#atLastTry.set(service, tries);
    const before = tries.get(event);
    const isAlone = before !== undefined && now.handled - before.handled > now.failed - before.failed;
    now.failed += 1;
    tries.set(event, { ...now });
    return isAlone ? 'transient' : 'unreachable';
  }

  #tallyOf(service: ServiceName): Tally {
    const tally = this.#tallies.get(service) ?? { handled: 0, failed: 0 };
    this.#tallies.set(service, tally);
    return tally;
  }
}
