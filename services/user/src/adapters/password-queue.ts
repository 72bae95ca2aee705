import type { AppError } from '@flash-sale/contract/errors.ts';
import { GuaranteedShare, type Guarantee } from './guaranteed-share.ts';
import { HashPace } from './hash-pace.ts';
import { Refusals, type Caller } from './refusals.ts';
import type { AtDoor } from './turn-plan.ts';
import type { Turns } from './turns.ts';
import { WaitingLine, type Priority } from './waiting-line.ts';

/** Where the work is to be done: by the process that hashes, or, because that says nothing, by this one. */
export type Where = 'beside' | 'here';

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
  /** What is done here while nothing is done beside; nothing unless given. */
  guarantee?: Guarantee;
  /** As in TurnPlan. */
  atDoor?: AtDoor;
  clock?: () => number;
}

interface Waiting {
  begin: (where: Where) => void;
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
  readonly #options: Required<Pick<PasswordQueueOptions, 'concurrency' | 'maxQueued' | 'maxWaitMs' | 'clock'>>;
  readonly #pace: Record<'line' | 'plan', HashPace>;
  readonly #refusals: Refusals;
  readonly #guaranteed: GuaranteedShare | undefined;
  readonly #line = new WaitingLine<Waiting>();
  #running = 0;
  readonly #counts = { hashed: 0, guaranteed: 0 };

  constructor(options: PasswordQueueOptions) {
    const { concurrency, maxQueued, maxWaitMs, hashMs = 25, maxAheadMs = 600_000, maxTurnsPerClient = 300 } = options;
    const { turns, guarantee, atDoor, clock = () => performance.now() } = options;
    this.#options = { concurrency, maxQueued, maxWaitMs, clock };
    const pace = (memoryMs: number) => new HashPace({ concurrency, hashMs, memoryMs, clock });
    this.#pace = { line: pace(lineMemoryMs), plan: pace(planMemoryMs) };
    this.#refusals = new Refusals({ maxAheadMs, maxTurnsPerClient, turns, clock, atDoor });
    this.#guaranteed = guarantee && this.#guarantee(guarantee);
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Since the start: passwords hashed, those of them that were by the guarantee; refusals, those of them with a promised turn. */
  get counts(): Record<'hashed' | 'guaranteed' | 'refused' | 'promised', number> {
    return { ...this.#counts, ...this.#refusals.counts };
  }

  /**
   * @param work is told where; whoever waits for it has waited for all of it
   * @param caller who it is, so that it finds a place when it comes back @param hashes how many the work was, once it is done
   * @throws AppError overloaded when there is no place; otherwise what the work throws
   */
  async run<T>(priority: Priority, work: (where: Where) => Promise<T>, caller?: Caller, hashes = () => 1): Promise<T> {
    // Nobody else may come between the last look for a place and the place: they are in one stretch, without a pause.
    if (this.#hasPlace(priority, shareOfNewcomers)) this.#refusals.entered(priority, caller);
    else if (!(await this.#refusals.hasTurn(priority, caller)) || !this.#hasPlace(priority, 1))
      throw this.#later(priority, caller);
    const where = this.#running < this.#options.concurrency ? this.#begin() : await this.#turn(priority, caller);
    const startedAtMs = this.#options.clock();
    try {
      const result = await work(where);
      this.#done(where, this.#options.clock() - startedAtMs, hashes());
      return result;
    } finally {
      this.#end(where);
    }
  }

  /** Whether the part of the line that is served before is short enough. */
  #hasPlace(priority: Priority, share: number): boolean {
    if (this.#running < this.#options.concurrency) return true;
    const { maxQueued, maxWaitMs } = this.#options;
    const served = this.#line.aheadOf(priority);
    return served < maxQueued && served * this.#pace.line.turnMs < maxWaitMs * share;
  }

  #begin(): Where {
    if (this.#running === 0) this.#guaranteed?.heard();
    this.#running += 1;
    return 'beside';
  }

  #turn(priority: Priority, caller: Caller | undefined): Promise<Where> {
    this.#makeRoom();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        begin: (where) => {
          clearTimeout(deadline);
          resolve(where);
        },
        turnAway: () => {
          clearTimeout(deadline);
          reject(this.#later(priority, caller));
        },
      };
      const deadline = setTimeout(() => {
        this.#line.remove(priority, waiting);
        waiting.turnAway();
      }, this.#options.maxWaitMs * patience);
      this.#line.push(priority, waiting);
      this.#guaranteed?.watch();
    });
  }

  /** If all places are taken, the last of the lowest priority goes. Who comes has found a place among those that it is served with. */
  #makeRoom(): void {
    const { maxQueued, maxWaitMs } = this.#options;
    const { waiting } = this;
    if (waiting >= maxQueued || waiting * this.#pace.line.turnMs >= maxWaitMs) this.#line.pop()?.turnAway();
  }

  #done(where: Where, tookMs: number, hashes: number): void {
    this.#counts.hashed += hashes;
    if (where === 'here') this.#counts.guaranteed += hashes;
    for (const pace of [this.#pace.line, this.#pace.plan]) {
      if (where === 'here') pace.doneBesides();
      else pace.done(tookMs / hashes);
    }
    this.#shorten();
  }

  /** Whoever would have to wait too long by now need not wait to hear it. */
  #shorten(): void {
    const { maxWaitMs } = this.#options;
    while (this.waiting > 1 && this.waiting * this.#pace.line.turnMs > maxWaitMs * patience)
      this.#line.pop()?.turnAway();
  }

  #end(where: Where): void {
    if (where === 'here') return this.#guaranteed?.ended();
    this.#guaranteed?.heard();
    const next = this.#line.shift();
    // The slot is handed over, not freed, so that no newcomer can take it.
    if (next) next.begin('beside');
    else this.#running -= 1;
  }

  #guarantee(guarantee: Guarantee): GuaranteedShare {
    return new GuaranteedShare({
      ...guarantee,
      clock: this.#options.clock,
      isWaiting: () => this.waiting > 0,
      serve: (silentMs) => {
        for (const pace of [this.#pace.line, this.#pace.plan]) pace.done(silentMs);
        this.#line.shift()?.begin('here');
      },
    });
  }

  #later(priority: Priority, caller: Caller | undefined): AppError {
    const { turnMs } = this.#pace.plan;
    const ahead = this.#running + this.#line.aheadOf(priority === 'doubtful' ? 'doubtful' : 'fresh');
    return this.#refusals.later(priority, caller, { lineMs: ahead * turnMs, turnMs });
  }
}
