import { TakenShare } from './taken-share.ts';

/** So much of what can be served is promised. The rest makes up for an estimate that was a little too good. */
const promisedShare = 0.95;
/** Turns of the future, whatever the settings allow: each costs some hundred bytes here, and as many in Redis. */
const maxTurns = 100_000;
/** Who comes so late has not come for a turn. */
const lateMs = 3_000;
/** Of a second that is just full; the figures are not exact. */
const toleranceMs = 1;

/** Of all who came, with a turn or without, how many were refused before it could be seen who they are; since the start. */
export type AtDoor = Readonly<{ came: number; refused: number }>;
const nobody: AtDoor = { came: 0, refused: 0 };

export interface TurnPlanOptions {
  /** Nobody is told to come later than that. */
  maxAheadMs: number;
  /** Turns of the future that one client may have. */
  maxPerClient: number;
  clock: () => number;
  /** Nobody is refused there unless given. */
  atDoor?: AtDoor;
  /** From 0 to 1, without it. */
  random?: () => number;
}

export interface Asked {
  /** How long the line keeps those busy who serve it. */
  lineMs: number;
  /** How long a turn takes. */
  turnMs: number;
  isDoubtful: boolean;
  /** Whose turns are counted; not without. */
  client?: string | undefined;
}

/** Whole seconds from now; a promise if nobody else was promised that turn. */
export interface Turn {
  seconds: number;
  isPromise: boolean;
}

type Kind = 'honest' | 'doubtful';
/** Who was told to come within half a second before or after it. */
interface Second extends Record<Kind, number> {
  byClient: Map<string, number>;
}

/**
 * Who cannot be served soon is told when to come back: at the first second from which on all who were told to come, and one more, can be
 * served in time. So they neither come back together nor find the line full. Of those who were told so, not all come: each counts by the
 * share of those who did of late, so that who stays away costs the others no time; of those who came and were refused at the door it cannot be seen
 * that they did, and so as large a part of those who were to come does not count. Guessers come after everybody else; and who has as many turns
 * as a client may hears when there would be one, without being given it.
 */
export class TurnPlan {
  readonly #options: Required<TurnPlanOptions>;
  readonly #seconds: Second[] = [];
  /** Which second the first one is, by the clock. */
  #first = 0;
  #turns = 0;
  readonly #turnsOf = new Map<string, number>();
  #door = nobody;
  readonly #taken: Record<Kind, TakenShare> = { honest: new TakenShare(), doubtful: new TakenShare() };

  constructor(options: TurnPlanOptions) {
    this.#options = { random: Math.random, atDoor: nobody, ...options };
  }

  /** Whether anybody was told to come who may still do so. */
  get hasTurns(): boolean {
    this.#passUntil(this.#options.clock());
    return this.#turns > 0;
  }

  /** To be told of each who comes for a turn. */
  taken(isDoubtful: boolean): void {
    this.#taken[kindOf(isDoubtful)].count({ taken: 1 }, this.#options.clock());
  }

  next(asked: Asked): Turn {
    const { maxAheadMs, maxPerClient, clock, random } = this.#options;
    const nowMs = clock();
    this.#passUntil(nowMs);
    const seconds = this.#freeIn(asked, nowMs);
    const own = asked.client === undefined ? 0 : (this.#turnsOf.get(asked.client) ?? 0);
    if (own < maxPerClient && this.#turns < maxTurns && seconds * 1_000 <= maxAheadMs) {
      this.#promise(secondOf(nowMs) + seconds, asked);
      return { seconds, isPromise: true };
    }
    // They come again somewhere in the last half.
    const ms = Math.min(seconds * 1_000, maxAheadMs) * (1 - random() / 2);
    return { seconds: Math.max(1, secondOf(ms)), isPromise: false };
  }

  /** @returns seconds from now, which are whole ones as all that clients are told: of the present second half is over */
  #freeIn({ lineMs, turnMs, isDoubtful }: Asked, nowMs: number): number {
    const turnOf = (kind: Kind) => (turnMs * this.#taken[kind].at(nowMs)) / promisedShare;
    const honestMs = turnOf('honest');
    const doubtfulMs = isDoubtful ? turnOf('doubtful') : 0;
    const ownMs = isDoubtful ? doubtfulMs : honestMs;
    let workMs = 0;
    let free = 1;
    let seconds = this.#first - secondOf(nowMs);
    for (const { honest, doubtful } of this.#seconds) {
      const endMs = endOf(seconds);
      // Who comes before the line's end stands in it by then.
      if (endMs > lineMs) workMs = Math.max(workMs, lineMs);
      const partLeft = Math.min(1, Math.max(0, endMs / 1_000));
      workMs += partLeft * (honest * honestMs + doubtful * doubtfulMs);
      const isFull = Math.max(workMs, lineMs) + ownMs > endMs + toleranceMs;
      seconds += 1;
      if (isFull || (isDoubtful && honest > 0)) free = Math.max(free, seconds);
    }
    return free < seconds ? free : Math.max(free, secondOf(Math.max(workMs, lineMs) + ownMs - toleranceMs));
  }

  #promise(second: number, { isDoubtful, client }: Asked): void {
    if (this.#seconds.length === 0) this.#seenAtDoor(); // from now on
    while (this.#first + this.#seconds.length <= second)
      this.#seconds.push({ honest: 0, doubtful: 0, byClient: new Map() });
    const at = this.#seconds[second - this.#first]!;
    at[kindOf(isDoubtful)] += 1;
    this.#turns += 1;
    if (client === undefined) return;
    for (const turns of [at.byClient, this.#turnsOf]) turns.set(client, (turns.get(client) ?? 0) + 1);
  }

  /** Clients get back the turns whose time has come; a little later it is known who did not come. */
  #passUntil(nowMs: number): void {
    let seen: number | undefined;
    while (this.#seconds.length > 0 && endOf(this.#first) + lateMs <= nowMs) {
      seen ??= this.#seenAtDoor();
      const passed = this.#seconds.shift()!;
      this.#giveBack(passed);
      const atMs = endOf(this.#first) + lateMs;
      for (const kind of ['honest', 'doubtful'] as const) {
        this.#turns -= passed[kind];
        this.#taken[kind].count({ due: passed[kind] * seen }, atMs);
      }
      this.#first += 1;
    }
    if (this.#seconds.length === 0) this.#first = secondOf(nowMs);
    for (let n = 0; n < this.#seconds.length && (this.#first + n) * 1_000 <= nowMs; n += 1)
      this.#giveBack(this.#seconds[n]!);
  }

  /** What part of those who came since it was last asked got through the door. */
  #seenAtDoor(): number {
    const { came, refused } = this.#options.atDoor;
    const [cameSince, refusedSince] = [came - this.#door.came, refused - this.#door.refused];
    this.#door = { came, refused };
    return cameSince > 0 ? 1 - refusedSince / cameSince : 1;
  }

  #giveBack({ byClient }: Second): void {
    for (const [client, turns] of byClient) {
      const left = this.#turnsOf.get(client)! - turns;
      if (left > 0) this.#turnsOf.set(client, left);
      else this.#turnsOf.delete(client);
    }
    byClient.clear();
  }
}

const kindOf = (isDoubtful: boolean): Kind => (isDoubtful ? 'doubtful' : 'honest');
/** To the nearest: who came half a second late on average would leave a gap of as much behind the line. */
const secondOf = (ms: number): number => Math.round(ms / 1_000);
const endOf = (second: number): number => second * 1_000 + 500;
