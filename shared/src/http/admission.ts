import type { RequestHandler } from 'express';
import { AppError } from '@flash-sale/contract/errors.ts';
import type { Logger } from '../log.ts';
import type { CrowdSign } from '../redis/crowd-sign.ts';

const meanOverMs = 500;

/** What a process has to do, whichever of its services has it. */
export class UnderWay {
  #changes = 0;
  #mean = 0;
  #atMs = 0;
  /** Where commands and events wait for their commit, and how long the oldest of them has waited, in ms; 0 where none waits. */
  readonly lanes = new Set<{ waitingMs(nowMs: number): number }>();

  /** Public requests that change something and are not answered yet. */
  get changes(): number {
    return this.#changes;
  }

  set changes(changes: number) {
    this.setChanges(changes, performance.now());
  }

  setChanges(changes: number, nowMs: number): void {
    this.#mean = this.mean(nowMs);
    this.#atMs = nowMs;
    this.#changes = changes;
  }

  /**
   * The mean of the changes under way over half a second. A process answers in bursts, whole batches at once, and then reads what has gathered meanwhile: by the
   * number of the moment a crowd would be let in at each burst, though hundreds come back with their next step.
   */
  mean(nowMs: number): number {
    return this.#changes + (this.#mean - this.#changes) * Math.exp((this.#atMs - nowMs) / meanOverMs);
  }
}

/** Of this process. */
export const underWay = new UnderWay();

/** With what a journey begins; a registration is as a log-in. */
export type Beginning = 'log-in' | 'cart';
/**
 * A door closes with more changes under way than so many times the bound, at the moment or, each weighing as much, in the mean. They close one
 * after the other: to log-ins here, to those in other processes, and to carts. Somebody who has logged in and may have no cart has cost the
 * shop a log-in for nothing; and who passes the first door would be refused at the second as often again, if both closed at once. So
 * the next one closes only if the one before does not keep enough of them away.
 *
 * To log-ins the mean weighs more: while a process has no time to spare, two of five requests have come and wait to be read, and nobody counts them.
 */
const doors = {
  'log-in': { timesTheBound: 1, meanWeighs: 5 / 3 },
  'log-in elsewhere': { timesTheBound: 1.1, meanWeighs: 5 / 3 },
  cart: { timesTheBound: 1.25, meanWeighs: 1 },
};
/** Makes what is to stand first among the handlers of a route that begins a journey. It throws AppError overloaded. */
export type BeginsJourney = (by: Beginning) => RequestHandler;

const logEveryMs = 10_000;
/** Spread, so that a crowd that was refused together does not come again together; made once, for a refusal is to cost as little as can be. */
const refusals = [2, 3, 4, 5, 6].map((retryAfterSeconds) => {
  const detail = 'More shoppers are here than can be served. Nothing was changed; try again shortly.';
  return new AppError('overloaded', detail, { retryAfterSeconds });
});

export interface AdmissionOptions {
  /** With more changes than this under way, and */
  beyondRequests: number;
  /** while a command or an event has waited longer for its commit, no journey begins. */
  beyondWaitMs: number;
  log: Pick<Logger, 'warn'>;
  /** By which the processes of a shop know of each other; without it each knows of itself. */
  sign?: Pick<CrowdSign, 'raise' | 'letsIn'>;
  /** Instead of what is under way in the process. */
  of?: Pick<UnderWay, 'changes' | 'mean' | 'lanes'>;
}

/**
 * Refuses journeys at their beginning while a process has more under way than it gets done. Whoever is refused has lost nothing yet, and
 * what others have begun is finished: a shop that refuses anywhere throws work away, and beyond its capacity sells less the
 * more come (Zhou et al., Overload Control for Scaling WeChat Microservices, 2018).
 *
 * What is under way is bounded, and not the time it takes: by Little's law that bounds the time as well, at any speed of the machine, it
 * cannot overshoot, and it is over the moment that the crowd is (as in Netflix's concurrency-limits). A place that is given back
 * goes to the next who asks, so that the process stays as busy as it can be.
 *
 * Many may also be under way because they wait for somebody else: a gateway, a password. Then a process has time for more, which
 * shows by what waits in its lanes: nothing for long. It is looked at now, and not when something was committed, so that a lane
 * that hangs is seen as well. Any lane of the process counts: they share its processor, and a journey needs them all.
 *
 * Where the services have processes of their own, those of log-ins are the first of a journey and the last to be crowded. They are told by
 * those of carts (`CrowdSign`), as in the paper above.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #of: Pick<UnderWay, 'changes' | 'mean' | 'lanes'>;
  #refused = 0;
  #loggedAtMs = -Infinity;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#of = options.of ?? underWay;
  }

  /** Journeys refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether one more journey may begin so now; to be asked once for each. */
  admits(by: Beginning, nowMs = performance.now()): boolean {
    const { sign } = this.#options;
    if (by === 'log-in') return !this.#isBeyond('log-in', nowMs) && (sign?.letsIn(nowMs) ?? true);
    if (this.#isBeyond('log-in elsewhere', nowMs)) sign?.raise(nowMs);
    return !this.#isBeyond('cart', nowMs);
  }

  readonly beginsJourney: BeginsJourney = (by) => (_request, _response, next) => {
    const nowMs = performance.now();
    if (this.admits(by, nowMs)) return next();
    this.#refused += 1;
    this.#tell(nowMs);
    throw refusals[Math.floor(Math.random() * refusals.length)]!;
  };

  #isBeyond(door: keyof typeof doors, nowMs: number): boolean {
    const { beyondRequests, beyondWaitMs } = this.#options;
    const { timesTheBound, meanWeighs } = doors[door];
    const changes = Math.max(this.#of.changes, meanWeighs * this.#of.mean(nowMs));
    return changes > beyondRequests * timesTheBound && this.#waitMs(nowMs) > beyondWaitMs;
  }

  /** Of the lane that has kept something waiting for longest. */
  #waitMs(nowMs: number): number {
    return Math.max(0, ...[...this.#of.lanes].map((lane) => lane.waitingMs(nowMs)));
  }

  /** That a request was refused, its own line says; why, this one does, now and then. */
  #tell(nowMs: number): void {
    if (nowMs - this.#loggedAtMs < logEveryMs) return;
    this.#loggedAtMs = nowMs;
    const [mean, waitMs] = [Math.round(this.#of.mean(nowMs)), Math.round(this.#waitMs(nowMs))];
    const figures = { changes: this.#of.changes, mean, waitMs, refused: this.#refused };
    this.#options.log.warn(figures, 'more under way than gets done: journeys are refused');
  }
}
