/** After such a rest it says nothing at all: whatever took the processors may have ended. */
const forgottenAfterMs = 30_000;
/** One hash after a long rest says no more than so much time of hashing would. */
const maxGapMs = 250;

export interface HashPaceOptions {
  /** How many are computed at once. */
  concurrency: number;
  /** What one takes of a processor. */
  hashMs: number;
  /** What happened so long ago counts a third. */
  memoryMs: number;
  clock: () => number;
}

/**
 * How often a hash is done while there is always another to do. It begins with what the machine could do if nothing else ran, and
 * follows what it does.
 */
export class HashPace {
  readonly #concurrency: number;
  readonly #clock: () => number;
  readonly #memoryMs: number;
  /** When nothing else runs. */
  readonly #fullPerMs: number;
  #perMs: number;
  #lastAtMs: number;
  #addedPerMs = 0;
  #addedAtMs: number;

  constructor({ concurrency, hashMs, memoryMs, clock }: HashPaceOptions) {
    this.#memoryMs = memoryMs;
    this.#concurrency = concurrency;
    this.#clock = clock;
    this.#perMs = this.#fullPerMs = concurrency / hashMs;
    this.#lastAtMs = this.#addedAtMs = clock();
  }

  /** Milliseconds from one to the next. */
  get turnMs(): number {
    if (this.#clock() - this.#lastAtMs > forgottenAfterMs) this.#perMs = this.#fullPerMs;
    return 1 / (this.#perMs + this.#added());
  }

  /** To be told of each, and how long it took; and of those that take long, how long they have taken so far. */
  done(tookMs: number): void {
    const nowMs = this.#clock();
    const weight = 1 - Math.exp(-Math.min(nowMs - this.#lastAtMs, maxGapMs) / this.#memoryMs);
    this.#lastAtMs = nowMs;
    if (tookMs > 0) this.#perMs += (this.#concurrency / tookMs - this.#perMs) * weight;
  }

  /** To be told of each that was computed besides these, now and then. */
  doneBesides(): void {
    this.#addedPerMs = this.#added() + 1 / this.#memoryMs;
    this.#addedAtMs = this.#clock();
  }

  #added(): number {
    return this.#addedPerMs * Math.exp(-(this.#clock() - this.#addedAtMs) / this.#memoryMs);
  }
}
