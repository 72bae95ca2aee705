import { AppError } from '@flash-sale/contract/errors.ts';
import { TurnPlan, type AtDoor, type Turn } from './turn-plan.ts';
import type { Turns } from './turns.ts';
import type { Priority } from './waiting-line.ts';

/** Who stands in the line; asked for only where there is no place. */
export type Caller = () => {
  /** The same when it comes back, on whichever instance. */
  who: string;
  /** By what the turns that it is given are counted, if they are. */
  client?: string | undefined;
};

export interface RefusalOptions {
  /** Nobody is told to come back later. */
  maxAheadMs: number;
  /** Turns of the future that one client may have. */
  maxTurnsPerClient: number;
  turns: Turns | undefined;
  clock: () => number;
  atDoor: AtDoor | undefined;
}

/** Tells those for whom there is no place when to come back, and knows them when they do. */
export class Refusals {
  readonly #turns: Turns | undefined;
  readonly #plan: TurnPlan;
  readonly #counts = { refused: 0, promised: 0 };

  constructor({ maxAheadMs, maxTurnsPerClient, turns, clock, atDoor }: RefusalOptions) {
    this.#turns = turns;
    this.#plan = new TurnPlan({ maxAheadMs, maxPerClient: maxTurnsPerClient, clock, ...(atDoor && { atDoor }) });
  }

  /** Since the start; `promised` of those that are `refused`. */
  get counts(): Record<'refused' | 'promised', number> {
    return { ...this.#counts };
  }

  /** Of who finds a place: by those who come when they were told to, even if they need not, the plan knows how many do. */
  entered(priority: Priority, caller: Caller | undefined): void {
    if (this.#plan.hasTurns) void this.#take(priority, caller);
  }

  /** Uses up its turn. @returns whether it had one @throws AppError overloaded when it was told to come later */
  async hasTurn(priority: Priority, caller: Caller | undefined): Promise<boolean> {
    const inMs = await this.#take(priority, caller);
    if (inMs !== undefined && inMs > 0) throw this.#refusal({ seconds: Math.ceil(inMs / 1_000), isPromise: true });
    return inMs !== undefined;
  }

  /** @param of how long the line keeps those busy who serve it, and one turn @returns what it is told */
  later(priority: Priority, caller: Caller | undefined, of: { lineMs: number; turnMs: number }): AppError {
    const { who, client } = caller?.() ?? {};
    const turn = this.#plan.next({ ...of, isDoubtful: priority === 'doubtful', client });
    if (turn.isPromise && who !== undefined) this.#turns?.give(who, turn.seconds * 1_000);
    return this.#refusal(turn);
  }

  /** @returns milliseconds until its turn; 0 or less if it has come, and is used up by that; undefined without one */
  async #take(priority: Priority, caller: Caller | undefined): Promise<number | undefined> {
    const inMs = caller && (await this.#turns?.take(caller().who));
    const mayHaveOne = caller === undefined || this.#turns === undefined || this.#turns.isAway;
    if (mayHaveOne || (inMs !== undefined && inMs <= 0)) this.#plan.taken(priority === 'doubtful');
    return inMs;
  }

  #refusal({ seconds, isPromise }: Turn): AppError {
    this.#counts.refused += 1;
    if (isPromise) this.#counts.promised += 1;
    const detail = 'Too many log-ins at once. Nothing was changed; try again after Retry-After seconds.';
    return new AppError('overloaded', detail, { retryAfterSeconds: seconds });
  }
}
