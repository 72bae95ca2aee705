import { AppError } from '../errors.ts';

export interface BatcherOptions<I, O> {
  /** Works on one batch and answers with one result an item, in the same order; a thrown error concerns the whole batch. */
  flush: (items: I[]) => Promise<O[]>;
  /** Most items in one flush. */
  maxItems: number;
  /** Most items waiting; one more is refused with `overloaded`. */
  maxQueued: number;
  /** Flushes under way at once; one unless measured otherwise. */
  lanes?: number;
  /** Whether a failed batch may be tried again in halves, until the item at fault stands alone. */
  shouldSplit?: (error: unknown) => boolean;
}

interface Waiting<I, O> {
  item: I;
  resolve: (result: O) => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit for anything: an item that arrives while nothing is under way is flushed at once; what arrives during a
 * flush travels together in the next. So batches grow with the load, and at rest nobody waits for company.
 */
export class Batcher<I, O> {
  readonly #options: BatcherOptions<I, O>;
  readonly #lanes: number;
  #queue: Waiting<I, O>[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions<I, O>) {
    this.#options = options;
    this.#lanes = options.lanes ?? 1;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** @throws AppError overloaded when the queue is full; otherwise whatever the flush throws for this item */
  run(item: I): Promise<O> {
    if (this.#queue.length >= this.#options.maxQueued) {
      return Promise.reject(new AppError('overloaded', 'Too much is waiting. Nothing was changed; try again shortly.'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      if (this.#running < this.#lanes) this.#startFlush();
    });
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drained(): Promise<void> {
    while (this.#running > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  #startFlush(): void {
    this.#running += 1;
    // One turn of the event loop, so that requests read from other sockets in this turn travel along.
    setImmediate(() => void this.#flushLoop());
  }

  async #flushLoop(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#flush(this.#queue.splice(0, this.#options.maxItems));
    }
    this.#running -= 1;
    for (const wake of this.#idle.splice(0)) wake();
  }

  async #flush(batch: Waiting<I, O>[]): Promise<void> {
    try {
      const results = await this.#options.flush(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new Error(`flush answered ${results.length} of ${batch.length} items`);
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      if (batch.length === 1 || !(this.#options.shouldSplit?.(error) ?? false)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      const middle = batch.length >> 1;
      await this.#flush(batch.slice(0, middle));
      await this.#flush(batch.slice(middle));
    }
  }
}
