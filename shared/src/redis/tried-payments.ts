import type { Redis } from 'ioredis';

/** Longer than the longest hold and the hour after it within which it counts. */
const keptSeconds = 93_600;
export const triedPaymentKey = (orderId: string) => `payment-tried:${orderId}`;

/**
 * Orders whose payment was tried and came to nothing. The payment service notes them; the reservation service asks, when
 * it is about to refuse somebody who has given back too many holds unpaid: these count half. Fairness rests on it, correctness does not: what
 * Redis loses counts as not tried, and while it cannot be asked everything counts as tried.
 */
export class TriedPayments {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Best effort: nobody waits for it. */
  note(orderId: string): void {
    this.#redis.set(triedPaymentKey(orderId), '1', 'EX', keptSeconds).catch(() => {});
  }

  /** Which of these were tried. */
  async among(orderIds: string[]): Promise<string[]> {
    if (orderIds.length === 0) return [];
    try {
      const found = await this.#redis.mget(orderIds.map(triedPaymentKey));
      return orderIds.filter((_, index) => found[index] !== null);
    } catch {
      return orderIds;
    }
  }
}
