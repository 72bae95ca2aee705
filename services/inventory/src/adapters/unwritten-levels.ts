const maxListed = 1_000;

/** Which products' levels still have to be written to Redis, and since when; above a limit, all of them. */
export class UnwrittenLevels {
  /** Product → since when its level is owed, and the number of its latest debt. Ordered by `sinceMs`. */
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
   * What is owed now. Call `paid` once levels that were read after this call have been written; debts that were added in between
   * stay.
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
