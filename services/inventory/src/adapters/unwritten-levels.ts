const maxListed = 1_000;

/** Which products' levels are owed to Redis, since when; beyond a bound, those of all. */
export class UnwrittenLevels {
  /** Product → since when it is owed, and its last debt's number. In the order of `sinceMs`. */
  readonly #debts = new Map<string, { sinceMs: number; number: number }>();
  #ofAll: { sinceMs: number; number: number } | undefined;
  #number = 0;

  /** Age of the oldest; undefined when nothing is owed. */
  get oldestMs(): number | undefined {
    const [oldest] = this.#debts.values();
    const sinceMs = Math.min(oldest?.sinceMs ?? Infinity, this.#ofAll?.sinceMs ?? Infinity);
    return sinceMs === Infinity ? undefined : performance.now() - sinceMs;
  }

  add(productIds: string[]): void {
    this.#number += 1;
    const now = performance.now();
    for (const id of productIds) {
      this.#debts.set(id, { sinceMs: this.#debts.get(id)?.sinceMs ?? now, number: this.#number });
    }
    if (this.#debts.size <= maxListed) return;
    this.#ofAll = { sinceMs: now - this.oldestMs!, number: this.#number };
    this.#debts.clear();
  }

  /**
   * What is owed now; `paid` is to be called when levels that were read after this call have been written. What has come
   * to be owed meanwhile stays.
   */
  take(): { productIds: string[]; all: boolean; paid: (levels: 'listed' | 'all') => void } {
    const upTo = this.#number;
    return {
      productIds: [...this.#debts.keys()],
      all: this.#ofAll !== undefined,
      paid: (levels) => {
        for (const [id, { number }] of this.#debts) if (number <= upTo) this.#debts.delete(id);
        if (levels === 'all' && this.#ofAll && this.#ofAll.number <= upTo) this.#ofAll = undefined;
      },
    };
  }
}
