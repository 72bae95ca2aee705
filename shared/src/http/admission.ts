import type { RequestHandler } from 'express';
import { AppError } from '@flash-sale/contract/errors.ts';
import type { Logger } from '../log.ts';

/** Public requests that change something and are not answered yet: of this process, whichever of its services has them. */
export const underWay = { changes: 0 };

/** How long it is believed that the process keeps requests waiting, without news of it. */
const freshForMs = 5_000;
const logEveryMs = 10_000;
/** Spread, so that a crowd that was refused together does not come again together. */
const retryAfterSeconds = { least: 2, most: 6 };

export interface AdmissionOptions {
  /** With more changes than this under way, and */
  beyondRequests: number;
  /** while a command waits longer for its commit, no journey begins. */
  beyondWaitMs: number;
  log: Pick<Logger, 'warn'>;
  /** Instead of those of the process. */
  changes?: () => number;
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
 * shows by how soon its lane commits a command; what others take is no part of that (queuing time instead of response time, as in
 * the paper above).
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #changes: () => number;
  #waitMs = 0;
  #waitedAtMs = -Infinity;
  #refused = 0;
  #loggedAtMs = -Infinity;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#changes = options.changes ?? (() => underWay.changes);
  }

  /** Journeys refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** A command was committed, so long after it came to the lane. */
  waited(ms: number, nowMs = performance.now()): void {
    this.#waitMs = ms;
    this.#waitedAtMs = nowMs;
  }

  /** Whether no journey may begin now. */
  isCrowded(nowMs = performance.now()): boolean {
    const { beyondRequests, beyondWaitMs } = this.#options;
    return this.#changes() > beyondRequests && this.#waitMs > beyondWaitMs && nowMs - this.#waitedAtMs < freshForMs;
  }

  /** To stand first among the handlers of a route that begins a journey. @throws AppError overloaded */
  readonly beginsJourney: RequestHandler = (_request, _response, next) => {
    if (!this.isCrowded()) return next();
    this.#refused += 1;
    this.#tell(performance.now());
    const { least, most } = retryAfterSeconds;
    throw new AppError(
      'overloaded',
      'More shoppers are here than can be served. Nothing was changed; try again shortly.',
      {
        retryAfterSeconds: least + Math.floor(Math.random() * (most - least + 1)),
      },
    );
  };

  /** That a request was refused, its own line says; why, this one does, now and then. */
  #tell(nowMs: number): void {
    if (nowMs - this.#loggedAtMs < logEveryMs) return;
    this.#loggedAtMs = nowMs;
    const figures = { changes: this.#changes(), waitMs: Math.round(this.#waitMs), refused: this.#refused };
    this.#options.log.warn(figures, 'more under way than gets done: journeys are refused');
  }
}
