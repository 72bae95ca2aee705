import { AppError } from '@flash-sale/contract/errors.ts';

/** About what half a full queue takes. */
const retryAfterSeconds = 5;

/**
 * The order in which waiting log-ins are served: known devices of the account, addresses without a recent failure, the rest. After
 * a first wrong password an attacker is in the last group, and delays only others there.
 */
export const priorities = ['known', 'fresh', 'doubtful'] as const;
export type Priority = (typeof priorities)[number];

export interface PasswordQueueOptions {
  concurrency: number;
  /** For all priorities together. */
  maxQueued: number;
  maxWaitMs: number;
}

interface Waiting {
  begin: () => void;
  turnAway: () => void;
}

/**
 * A bulkhead with a queue by priority, first come first served within one. When the queue is full, the last of the lowest priority
 * makes room for a higher one. Who finds no place is refused at once, and who has waited too long too: an answer "later" is better
 * than none until a proxy gives up.
 */
export class PasswordQueue {
  readonly #options: PasswordQueueOptions;
  #running = 0;
  readonly #waiting: Record<Priority, Waiting[]> = { known: [], fresh: [], doubtful: [] };

  constructor(options: PasswordQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return priorities.reduce((sum, one) => sum + this.#waiting[one].length, 0);
  }

  /** @throws AppError overloaded when there is no place or no turn came in time; otherwise what the work throws */
  async run<T>(priority: Priority, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.concurrency) this.#running += 1;
    else await this.#turn(priority);
    try {
      return await work();
    } finally {
      const next = priorities.map((one) => this.#waiting[one]).find((line) => line.length > 0);
      // The slot is handed over, not freed, so that no newcomer can take it.
      if (next) next.shift()!.begin();
      else this.#running -= 1;
    }
  }

  #turn(priority: Priority): Promise<void> {
    this.#makeRoom(priority);
    const line = this.#waiting[priority];
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        begin: () => {
          clearTimeout(deadline);
          resolve();
        },
        turnAway: () => {
          clearTimeout(deadline);
          reject(turnedAway());
        },
      };
      const deadline = setTimeout(() => {
        line.splice(line.indexOf(waiting), 1);
        waiting.turnAway();
      }, this.#options.maxWaitMs);
      line.push(waiting);
    });
  }

  /** @throws AppError overloaded when the queue is full and holds nothing of a lower priority */
  #makeRoom(priority: Priority): void {
    if (this.waiting < this.#options.maxQueued) return;
    const lower = priorities.slice(priorities.indexOf(priority) + 1).map((one) => this.#waiting[one]);
    const last = lower.findLast((line) => line.length > 0)?.pop();
    if (!last) throw turnedAway();
    last.turnAway();
  }
}

const turnedAway = () =>
  new AppError('overloaded', 'Too many log-ins at once. Nothing was changed; try again shortly.', {
    retryAfterSeconds,
  });
