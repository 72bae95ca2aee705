/** What to tell the broker: everything up to a tag at once, and some tags by themselves. */
export interface Acks {
  upTo: number | undefined;
  single: number[];
}

/**
 * The deliveries of one channel, whose tags count from 1. Those that are settled without a gap are acknowledged
 * together; those behind an unsettled one by themselves, so that a slow one does not use up the prefetch for all.
 */
export class AckWindow {
  /** The lowest tag that is not settled. */
  #lowest = 1;
  /** Settled tags above the lowest; true once they are acknowledged. */
  readonly #acknowledged = new Map<number, boolean>();
  #fresh: number[] = [];

  /** To be called once a tag, when its message needs no further care. */
  settle(tag: number): void {
    this.#fresh.push(tag);
    this.#acknowledged.set(tag, false);
  }

  /** What has been settled since the last call. */
  take(): Acks {
    // The broker refuses a tag that it no longer waits for, so `upTo` must be one that was not acknowledged before.
    let upTo: number | undefined;
    for (let done; (done = this.#acknowledged.get(this.#lowest)) !== undefined; this.#lowest += 1) {
      if (!done) upTo = this.#lowest;
      this.#acknowledged.delete(this.#lowest);
    }
    const single = this.#fresh.filter((tag) => tag >= this.#lowest);
    for (const tag of single) this.#acknowledged.set(tag, true);
    this.#fresh = [];
    return { upTo, single };
  }
}
