import type { RequestHandler } from 'express';
import { AppError } from '@flash-sale/contract/errors.ts';
import type { Logger } from '../log.ts';

/** What a process has to do, whichever of its services has it. */
export interface UnderWay {
  /** Public requests that change something and are not answered yet. */
  changes: number;
  /** Where commands and events wait for their commit. */
  lanes: Set<{
    /** How long the oldest of them has waited, in ms; 0 where none waits. */
    waitingMs(nowMs: number): number;
  }>;
}

/** Of this process. */
export const underWay: UnderWay = { changes: 0, lanes: new Set() };

/**
 * With what a journey begins, and beyond how many times the bound it may not. Somebody who has logged in and may have no cart has cost the
 * shop a log-in for nothing, and of those who pass the first door the second would refuse as many again: while both were closed at the
 * same bound, half of all refusals came to shoppers who had been let in. So the later one closes later: as long as the first one
 * keeps enough of them away, never.
 */
const timesTheBound = { 'log-in': 1, cart: 1.25 };
export type Beginning = keyof typeof timesTheBound;
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
  /** Instead of what is under way in the process. */
  of?: UnderWay;
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
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #of: UnderWay;
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

  /** Whether no journey may begin so now. */
  isClosed(by: Beginning, nowMs = performance.now()): boolean {
    const { beyondRequests, beyondWaitMs } = this.#options;
    return this.#of.changes > beyondRequests * timesTheBound[by] && this.#waitMs(nowMs) > beyondWaitMs;
  }

  readonly beginsJourney: BeginsJourney = (by) => (_request, _response, next) => {
    const nowMs = performance.now();
    if (!this.isClosed(by, nowMs)) return next();
    this.#refused += 1;
    this.#tell(nowMs);
    throw refusals[Math.floor(Math.random() * refusals.length)]!;
  };

  /** Of the lane that has kept something waiting for longest. */
  #waitMs(nowMs: number): number {
    return Math.max(0, ...[...this.#of.lanes].map((lane) => lane.waitingMs(nowMs)));
  }

  /** That a request was refused, its own line says; why, this one does, now and then. */
  #tell(nowMs: number): void {
    if (nowMs - this.#loggedAtMs < logEveryMs) return;
    this.#loggedAtMs = nowMs;
    const figures = { changes: this.#of.changes, waitMs: Math.round(this.#waitMs(nowMs)), refused: this.#refused };
    this.#options.log.warn(figures, 'more under way than gets done: journeys are refused');
  }
}
