import type { RequestHandler } from 'express';
import { AppError } from '@flash-sale/contract/errors.ts';
import type { Logger } from '../log.ts';
import type { CrowdSign } from '../redis/crowd-sign.ts';
import { underWay, type Beginning, type UnderWay } from './under-way.ts';

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

/** Whose fault a refusal is: of this process, or of those with carts, for which it turns log-ins away. */
export type Cause = 'here' | 'elsewhere';

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
  sign?: Pick<CrowdSign, 'tell' | 'letsIn' | 'heard'>;
  /** Instead of what is under way in the process. */
  of?: Seen;
}
type Seen = Pick<UnderWay, 'changes' | 'mean' | 'lanes' | 'begins'>;

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
 * those of carts (`CrowdSign`), as in the paper above, when all of them have too much. A process that has both tells and hears nothing: it knows by itself.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #of: Seen;
  /** Journeys refused since the start, by whose fault it was. */
  readonly refused: Record<Cause, number> = { here: 0, elsewhere: 0 };
  /** Since the start: who came to log in, and who of them was refused. */
  readonly logIns = { came: 0, refused: 0 };
  /** With what journeys begin in this service; known once its routes are made. */
  readonly begins = new Set<Beginning>();
  /** Each line by itself, so that one cause does not hide the other. */
  readonly #loggedAtMs: Record<Cause | 'told', number> = { here: -Infinity, elsewhere: -Infinity, told: -Infinity };

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#of = options.of ?? underWay;
  }

  /** Why one more journey may not begin so now, undefined where it may; to be asked once for each. */
  refusalOf(by: Beginning, nowMs = performance.now()): Cause | undefined {
    if (this.#isBeyond(by, nowMs)) return 'here';
    const isOwn = by === 'cart' || this.#of.begins.has('cart');
    const isLetIn = isOwn || (this.#options.sign?.letsIn(nowMs) ?? true);
    return isLetIn ? undefined : 'elsewhere';
  }

  readonly beginsJourney: BeginsJourney = (by) => {
    for (const begins of [this.begins, this.#of.begins]) begins.add(by);
    return (_request, _response, next) => {
      const nowMs = performance.now();
      const cause = this.refusalOf(by, nowMs);
      if (by === 'log-in') this.#countLogIn(cause);
      if (!cause) return next();
      this.refused[cause] += 1;
      this.#logRefusal(cause, nowMs);
      throw refusals[Math.floor(Math.random() * refusals.length)]!;
    };
  };

  /** Tells the processes with log-ins whether this one has too much; to be called every `crowdEveryMs` where carts are begun, however many come. */
  tellOthers(nowMs = performance.now()): void {
    if (this.#of.begins.has('log-in')) return;
    const isOver = this.#isBeyond('log-in elsewhere', nowMs);
    const isIdle = this.#of.changes === 0 && this.#of.mean(nowMs) < 1;
    this.#options.sign?.tell(isOver, nowMs, isIdle);
    if (isOver && this.#isDue('told', nowMs))
      this.#options.log.warn(
        this.#figures(nowMs),
        'more under way than gets done: log-ins elsewhere are refused for it',
      );
  }

  /** What part of the log-ins the processes with carts let in here; undefined where there are no log-ins. */
  letInShare(nowMs = performance.now()): number | undefined {
    return this.begins.has('log-in') ? (this.#options.sign?.heard(nowMs).share ?? 1) : undefined;
  }

  #countLogIn(cause: Cause | undefined): void {
    this.logIns.came += 1;
    if (cause) this.logIns.refused += 1;
  }

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
  #logRefusal(cause: Cause, nowMs: number): void {
    if (!this.#isDue(cause, nowMs)) return;
    const { log, sign } = this.#options;
    const isHere = cause === 'here';
    const why = isHere
      ? 'more under way than gets done'
      : 'processes with carts have more under way than they get done';
    const figures = isHere ? this.#figures(nowMs) : sign?.heard(nowMs);
    log.warn(
      { cause, ...figures, refused: this.refused[cause] },
      `${why}: ${isHere ? 'journeys' : 'log-ins'} are refused`,
    );
  }

  #figures(nowMs: number) {
    const [mean, waitMs] = [Math.round(this.#of.mean(nowMs)), Math.round(this.#waitMs(nowMs))];
    return { changes: this.#of.changes, mean, waitMs };
  }

  #isDue(line: Cause | 'told', nowMs: number): boolean {
    const isDue = nowMs - this.#loggedAtMs[line] >= logEveryMs;
    if (isDue) this.#loggedAtMs[line] = nowMs;
    return isDue;
  }
}
