export interface Guarantee {
  /** So long nothing was hashed beside, though somebody waits. */
  afterMs: number;
  /** One is hashed here in so long. */
  everyMs: number;
}

export interface GuaranteedShareOptions extends Guarantee {
  clock: () => number;
  isWaiting: () => boolean;
  /** Serves the first in the line, and tells `ended` when that is done. */
  serve: (silentMs: number) => void;
}

/**
 * The process that hashes gives way to all others, so that it gets next to nothing done while they take all processors. Then this one
 * hashes for who is first in the line: one at a time and only now and then, so that it costs the others little.
 */
export class GuaranteedShare {
  readonly #options: GuaranteedShareOptions;
  #heardAtMs: number;
  #servedAtMs = -Infinity;
  #isServing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GuaranteedShareOptions) {
    this.#options = options;
    this.#heardAtMs = options.clock();
  }

  /** To be told when something was hashed beside, and when there is something to hash again. */
  heard(): void {
    this.#heardAtMs = this.#options.clock();
  }

  /** To be told when somebody begins to wait. */
  watch(): void {
    if (this.#timer || this.#isServing || !this.#options.isWaiting()) return;
    this.#timer = setTimeout(() => this.#look(), Math.max(0, this.#dueMs - this.#options.clock())).unref();
  }

  ended(): void {
    this.#isServing = false;
    this.watch();
  }

  get #dueMs(): number {
    const { afterMs, everyMs } = this.#options;
    return Math.max(this.#heardAtMs + afterMs, this.#servedAtMs + everyMs);
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, isWaiting, serve } = this.#options;
    const nowMs = clock();
    if (nowMs < this.#dueMs || !isWaiting()) return this.watch();
    this.#servedAtMs = nowMs;
    this.#isServing = true;
    serve(nowMs - this.#heardAtMs);
  }
}
