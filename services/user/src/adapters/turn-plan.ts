/** So much of what can be served is promised. The rest makes up for an estimate that was a little too good. */
const promisedShare = 0.95;

export interface TurnPlanOptions {
  /** Nobody is told to come later than that. */
  maxAheadMs: number;
  /** Turns of the future that one client may have. */
  maxPerClient: number;
  clock: () => number;
  /** From 0 to 1, without it. */
  random?: () => number;
}

interface Promised {
  untilMs: number;
  byClient: Map<string, number>;
}

/**
 * Who cannot be served soon is told when to come back: after all who were told so before, as many to a second as can be served in it.
 * So they neither come back together nor find the line full. Guessers come after everybody else, and whoever has had as many turns as
 * a client may is told when those end, without taking a further one.
 */
export class TurnPlan {
  readonly #options: Required<TurnPlanOptions>;
  readonly #all: Promised = { untilMs: 0, byClient: new Map() };
  readonly #honest: Promised = { untilMs: 0, byClient: new Map() };

  constructor(options: TurnPlanOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /**
   * @param lineMs how long the line keeps those busy who serve it @param turnMs how long a turn takes
   * @param client whose turns are counted; not without
   * @returns whole seconds from now
   */
  next(of: { lineMs: number; turnMs: number; isDoubtful: boolean; client?: string | undefined }): number {
    const { maxAheadMs, maxPerClient, clock, random } = this.#options;
    const nowMs = clock();
    const plan = of.isDoubtful ? this.#all : this.#honest;
    if (plan.untilMs <= nowMs) plan.byClient.clear();
    const fromMs = Math.max(nowMs + of.lineMs, this.#honest.untilMs, plan.untilMs);
    const taken = of.client === undefined ? 0 : (plan.byClient.get(of.client) ?? 0);
    if (taken < maxPerClient && fromMs - nowMs < maxAheadMs) {
      plan.untilMs = fromMs + of.turnMs / promisedShare;
      if (of.client !== undefined) plan.byClient.set(of.client, taken + 1);
      return secondsOf(plan.untilMs - nowMs);
    }
    // No promise: they come again somewhere in the last half.
    return secondsOf(Math.min(fromMs - nowMs, maxAheadMs) * (1 - random() / 2));
  }
}

/** To the nearest: who came half a second late on average would leave a gap of as much behind the line. */
const secondsOf = (ms: number): number => Math.max(1, Math.round(ms / 1_000));
