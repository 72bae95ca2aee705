import type { Target } from '../lib/load.ts';

/** One of those that are measured in turns. */
export interface Side<Running extends RunningSide = RunningSide> {
  name: string;
  /** Starts it. What it serves from is its own, and is there again when it is started once more. */
  open: () => Promise<Running>;
  /** What k6 does to it. */
  script: 'checkout.ts' | 'yardstick/yardstick.ts';
  /** Whether its shoppers have to log in before anything is measured. */
  logsIn: boolean;
  /** It is measured with the most virtual users only, and does nothing at rest: it may stand beside any two others. */
  isYardstick?: true;
}

/** A side while it runs. */
export interface RunningSide extends AsyncDisposable {
  /** As of now: a process that was replaced has another pid. */
  target: () => Target;
  /** Resolves when it has ended what an earlier load has left to do. */
  untilAtRest: () => Promise<void>;
}

/** A side that somebody else has started, and stops. */
export function alreadyRunning<Running extends RunningSide>(
  about: Omit<Side<Running>, 'open'>,
  running: Running,
): Side<Running> {
  return { ...about, open: () => Promise.resolve({ ...running, [Symbol.asyncDispose]: () => Promise.resolve() }) };
}

const maxStanding = 2;

/**
 * Which of the sides that run, the one used last at the end, are stopped before another is started. More than two shops beside each
 * other would take too much of the machine from whoever's turn it is; yardsticks are not counted.
 */
export function makingWay<OneSide extends { isYardstick?: true }>(running: OneSide[], next: OneSide): OneSide[] {
  const counted = running.filter(({ isYardstick }) => !isYardstick);
  return next.isYardstick ? [] : counted.slice(0, Math.max(0, counted.length - maxStanding + 1));
}

/** The sides that run now; the one that was not used for longest makes way for another. */
export class Standing<Running extends RunningSide = RunningSide> implements AsyncDisposable {
  /** In the order in which they were last used. */
  readonly #running = new Map<Side<Running>, Running>();
  readonly #onOpened: (side: Side<Running>, running: Running) => Promise<void>;

  /** @param onOpened called after each start, before the side is used */
  constructor(onOpened: (side: Side<Running>, running: Running) => Promise<void>) {
    this.#onOpened = onOpened;
  }

  get sides(): Side<Running>[] {
    return [...this.#running.keys()];
  }

  /** The side, started if need be. */
  async use(side: Side<Running>): Promise<Running> {
    const found = this.#running.get(side);
    for (const one of found ? [] : makingWay(this.sides, side)) await this.#close(one);
    const running = found ?? (await side.open());
    this.#running.delete(side);
    this.#running.set(side, running);
    if (!found) await this.#onOpened(side, running);
    return running;
  }

  /** What runs besides a side. */
  beside(side: Side<Running>): Running[] {
    return [...this.#running].flatMap(([one, running]) => (one === side ? [] : [running]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of this.sides.toReversed()) await this.#close(side);
  }

  async #close(side: Side<Running>): Promise<void> {
    const running = this.#running.get(side);
    this.#running.delete(side);
    await running?.[Symbol.asyncDispose]();
  }
}
