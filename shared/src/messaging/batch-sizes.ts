import type { ServiceName } from '@flash-sale/contract/services.ts';

/** What one more batch changes of the mean. */
const weight = 1 / 50;

/**
 * How many events a batch has, by those that went out or came in here lately: the broker tells how many messages wait, and not what is
 * in them.
 */
export class BatchSizes {
  readonly #means = new Map<ServiceName | 'any', number>();

  /** To be called with each batch for a service. */
  note(service: ServiceName, events: number): void {
    for (const whose of [service, 'any'] as const) {
      const mean = this.#means.get(whose) ?? events;
      this.#means.set(whose, mean + (events - mean) * weight);
    }
  }

  /** About how many events so many batches for a service have, never fewer than batches. */
  eventsIn(batches: number, service: ServiceName): number {
    return Math.round(batches * Math.max(1, this.#means.get(service) ?? this.#means.get('any') ?? 1));
  }
}
