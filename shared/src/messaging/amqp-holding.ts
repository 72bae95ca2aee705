import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { Logger } from '../log.ts';
import type { Failure, Intake } from './transport.ts';
import { WeightedSemaphore } from './weighted-semaphore.ts';

/** Between the tries of an event that is held; the last is the longest that an outage of the database outlives its end. */
const pausesMs = [100, 300, 500];

export interface HoldingOptions {
  intake: Pick<Intake, 'receive'>;
  log: Pick<Logger, 'warn'>;
  /** Most events that the service is handling at once; more at a time go to it alone. */
  maxEvents: number;
  /** How long an event is held from its coming on, and tried again while its service handles nothing at all, as without its database. */
  holdMs: number;
}

/**
 * Hands events to the service while there is room for them, and holds them while it handles nothing: a retry queue would delay
 * them beyond the end of a short outage. Not for ever, since another instance may be well. Events that are held at the same time
 * share their retries, as all work of a lane does.
 */
export class Holding {
  readonly #options: HoldingOptions;
  readonly #underWay: WeightedSemaphore;

  constructor(options: HoldingOptions) {
    this.#options = options;
    this.#underWay = new WeightedSemaphore(options.maxEvents);
  }

  /**
   * @param isWanted whether handling them would still be of use
   * @returns what could not be handled; undefined when they are not wanted any more and nobody was asked
   */
  async receive(events: DomainEvent[], isWanted: () => boolean): Promise<Failure[] | undefined> {
    if (events.length === 0) return [];
    // From here on, for who has waited for room as long as others were held is not held as long again.
    const holdUntilMs = performance.now() + this.#options.holdMs;
    await this.#underWay.acquire(events.length);
    try {
      return isWanted() ? await this.#hold(events, holdUntilMs, isWanted) : undefined;
    } finally {
      this.#underWay.release(events.length);
    }
  }

  async #hold(events: DomainEvent[], holdUntilMs: number, isWanted: () => boolean): Promise<Failure[]> {
    const { intake, log } = this.#options;
    const failures: Failure[] = [];
    let open = events;
    for (let tries = 0; ; tries += 1) {
      const receipt = await intake.receive(open, 'deliver');
      const held = receipt.failures.filter(({ kind }) => kind === 'unreachable');
      failures.push(...receipt.failures.filter(({ kind }) => kind !== 'unreachable'));
      if (held.length === 0) return failures;
      const reasons = new Map(held.map(({ eventId, reason }) => [eventId, reason]));
      open = open.filter(({ id }) => reasons.has(id));
      if (performance.now() >= holdUntilMs) {
        for (const { id: eventId, type: eventType } of open)
          log.warn({ eventId, eventType, reason: reasons.get(eventId) }, 'event not handled yet');
        return [...failures, ...held];
      }
      await sleep(pausesMs[Math.min(tries, pausesMs.length - 1)], undefined, { ref: false });
      if (!isWanted()) return [...failures, ...held];
    }
  }
}
