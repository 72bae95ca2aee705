import { AppError } from '@flash-sale/contract/errors.ts';
import { HashPace } from './hash-pace.ts';
import { TurnPlan } from './turn-plan.ts';
import type { Turns } from './turns.ts';

/**
 * The order in which waiting log-ins are served: known devices of the account, addresses without a recent failure, the rest. After
 * a first wrong password an attacker is in the last group, and delays only others there.
 */
export const priorities = ['known', 'fresh', 'doubtful'] as const;
export type Priority = (typeof priorities)[number];

/** Who stands in the line; asked for only where there is no place. */
export type Caller = () => {
  /** The same when it comes back, on whichever instance. */
  who: string;
  /** By what the turns that it is given are counted, if they are. */
  client?: string | undefined;
};

export interface PasswordQueueOptions {
  concurrency: number;
  /** For all priorities together. */
  maxQueued: number;
  /** Who would wait longer is told to come back. */
  maxWaitMs: number;
  /** What one takes of a processor. */
  hashMs?: number;
  /** Nobody is told to come back later. */
  maxAheadMs?: number;
  /** Turns of the future that one client may have. */
  maxTurnsPerClient?: number;
  turns?: Turns;
  clock?: () => number;
}

interface Waiting {
  begin: () => void;
  turnAway: () => void;
}

/** The line is left to newcomers up to here; the rest of it is for those who were told to come now. */
const shareOfNewcomers = 0.5;
/** Who waits so many times as long as nobody should is turned away: what was estimated has turned out wrong. */
const patience = 2;
/** The line is measured by what was reached just now. */
const lineMemoryMs = 1_500;
/**
 * Turns are planned by what was reached over a while: in the first moment of a crowd, in which most of it is told when to come, the
 * reading of all its requests takes the processors.
 */
const planMemoryMs = 5_000;

/**
 * A bulkhead with a queue by priority, first come first served within one. Its length is what can be served within `maxWaitMs`. When it
 * is full, the last of the lowest priority makes room for a higher one. Who finds no place hears so at once, with the time at which there
 * is one: an answer "later" is better than none until a proxy gives up.
 */
export class PasswordQueue {
  readonly #options: Required<Omit<PasswordQueueOptions, 'turns'>>;
  readonly #turns: Turns | undefined;
  readonly #pace: Record<'line' | 'plan', HashPace>;
  readonly #plan: TurnPlan;
  #running = 0;
  readonly #waiting: Record<Priority, Waiting[]> = { known: [], fresh: [], doubtful: [] };

  constructor({ turns, ...options }: PasswordQueueOptions) {
    const { hashMs = 25, maxAheadMs = 600_000, maxTurnsPerClient = 300, clock = () => performance.now() } = options;
    this.#options = { ...options, hashMs, maxAheadMs, maxTurnsPerClient, clock };
    this.#turns = turns;
    const pace = (memoryMs: number) => new HashPace({ concurrency: options.concurrency, hashMs, memoryMs, clock });
    this.#pace = { line: pace(lineMemoryMs), plan: pace(planMemoryMs) };
    this.#plan = new TurnPlan({ maxAheadMs, maxPerClient: maxTurnsPerClient, clock });
  }

  get waiting(): number {
    return this.#countOf(priorities);
  }

  /**
   * @param caller who it is, so that it finds a place when it comes back
   * @throws AppError overloaded when there is no place; otherwise what the work throws
   */
  async run<T>(priority: Priority, work: () => Promise<T>, caller?: Caller): Promise<T> {
    if (!this.#hasPlace(priority, shareOfNewcomers)) {
      const hasTurn = await this.#hasTurn(caller);
      if (!hasTurn || !this.#hasPlace(priority, 1)) throw this.#later(priority, caller);
    }
    if (this.#running < this.#options.concurrency) this.#running += 1;
    else await this.#turn(priority, caller);
    const startedAtMs = this.#options.clock();
    try {
      const result = await work();
      const tookMs = this.#options.clock() - startedAtMs;
      for (const pace of [this.#pace.line, this.#pace.plan]) pace.done(tookMs);
      this.#shorten();
      return result;
    } finally {
      const next = priorities.map((one) => this.#waiting[one]).find((line) => line.length > 0);
      // The slot is handed over, not freed, so that no newcomer can take it.
      if (next) next.shift()!.begin();
      else this.#running -= 1;
    }
  }

  /** Whether the part of the line that is served before is short enough. */
  #hasPlace(priority: Priority, share: number): boolean {
    if (this.#running < this.#options.concurrency) return true;
    const { maxQueued, maxWaitMs } = this.#options;
    const served = this.#countOf(priorities.slice(0, priorities.indexOf(priority) + 1));
    return served < maxQueued && served * this.#pace.line.turnMs < maxWaitMs * share;
  }

  /** @throws AppError overloaded when it was told to come later */
  async #hasTurn(caller: Caller | undefined): Promise<boolean> {
    const inMs = caller && (await this.#turns?.take(caller().who));
    if (inMs !== undefined && inMs > 0) throw turnedAway(Math.ceil(inMs / 1_000));
    return inMs !== undefined;
  }

  #turn(priority: Priority, caller: Caller | undefined): Promise<void> {
    this.#makeRoom();
    const line = this.#waiting[priority];
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        begin: () => {
          clearTimeout(deadline);
          resolve();
        },
        turnAway: () => {
          clearTimeout(deadline);
          reject(this.#later(priority, caller));
        },
      };
      const deadline = setTimeout(() => {
        line.splice(line.indexOf(waiting), 1);
        waiting.turnAway();
      }, this.#options.maxWaitMs * patience);
      line.push(waiting);
    });
  }

  /** If all places are taken, the last of the lowest priority goes. Who comes has found a place among those that it is served with. */
  #makeRoom(): void {
    const { maxQueued, maxWaitMs } = this.#options;
    const { waiting } = this;
    if (waiting >= maxQueued || waiting * this.#pace.line.turnMs >= maxWaitMs) this.#turnLastAway();
  }

  /** Whoever would have to wait too long by now need not wait to hear it. */
  #shorten(): void {
    const { maxWaitMs } = this.#options;
    while (this.waiting > 1 && this.waiting * this.#pace.line.turnMs > maxWaitMs * patience) this.#turnLastAway();
  }

  #turnLastAway(): void {
    priorities
      .map((one) => this.#waiting[one])
      .findLast((line) => line.length > 0)
      ?.pop()
      ?.turnAway();
  }

  #later(priority: Priority, caller: Caller | undefined): AppError {
    const isDoubtful = priority === 'doubtful';
    const { turnMs } = this.#pace.plan;
    const ahead = this.#running + this.#countOf(isDoubtful ? priorities : ['known', 'fresh']);
    const { who, client } = caller?.() ?? {};
    const seconds = this.#plan.next({ lineMs: ahead * turnMs, turnMs, isDoubtful, client });
    if (who !== undefined) this.#turns?.give(who, seconds * 1_000);
    return turnedAway(seconds);
  }

  #countOf(of: readonly Priority[]): number {
    return of.reduce((sum, one) => sum + this.#waiting[one].length, 0);
  }
}

const turnedAway = (retryAfterSeconds: number) =>
  new AppError('overloaded', 'Too many log-ins at once. Nothing was changed; try again after Retry-After seconds.', {
    retryAfterSeconds,
  });
