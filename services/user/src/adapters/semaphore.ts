import { AppError } from '@flash-sale/shared/errors.ts';

/** About what half a full queue takes. */
const retryAfterSeconds = 5;

/**
 * Lets so many through at once and so many wait, first come first served; the rest are turned away at once, and who has
 * waited too long as well: better to hear "later" than to hear nothing until somebody in between gives up.
 */
export class Semaphore {
  readonly #concurrency: number;
  readonly #maxQueued: number;
  readonly #longestWaitMs: number;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(options: { concurrency: number; maxQueued: number; longestWaitMs: number }) {
    this.#concurrency = options.concurrency;
    this.#maxQueued = options.maxQueued;
    this.#longestWaitMs = options.longestWaitMs;
  }

  /** @throws AppError overloaded when the queue is full or did not move on in time; otherwise what the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#concurrency) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      // The place is handed over, not given up: nobody may slip in between.
      if (next) next();
      else this.#running -= 1;
    }
  }

  #turn(): Promise<void> {
    if (this.#queue.length >= this.#maxQueued) throw turnedAway();
    return new Promise((resolve, reject) => {
      const next = () => {
        clearTimeout(deadline);
        resolve();
      };
      const deadline = setTimeout(() => {
        this.#queue.splice(this.#queue.indexOf(next), 1);
        reject(turnedAway());
      }, this.#longestWaitMs);
      this.#queue.push(next);
    });
  }
}

const turnedAway = () =>
  new AppError('overloaded', 'Too many log-ins at once. Nothing was changed; try again shortly.', {
    retryAfterSeconds,
  });
