import type { Measure } from './measures.ts';
import type { Turn } from './results.ts';
import { spreadOf, type Spread } from './statistics.ts';

export type Pair<OneTurn extends Turn = Turn> = [first: OneTurn, second: OneTurn];

/** Of the first turn of each pair to the second: as measured, and without what stood beside them at rest. */
export interface Ratios {
  raw: Spread;
  corrected: Spread;
}

/** The turns of two sides at one level, round by round; of a round that was not measured to its end, none. */
export function pairsOf<OneTurn extends Turn>(
  turns: OneTurn[],
  vus: number,
  [first, second]: readonly [string, string],
): Pair<OneTurn>[] {
  const byRound = Map.groupBy(
    turns.filter((turn) => turn.vus === vus),
    ({ pair }) => pair,
  );
  return [...byRound.values()].flatMap((round) => {
    const [one, other] = [first, second].map((name) => round.find(({ side }) => side === name));
    return one && other ? [[one, other] satisfies Pair<OneTurn>] : [];
  });
}

/** A value of the first turn of each pair as so many times that of the second. */
export function quotients(pairs: Pair[], valueOf: (turn: Turn) => number | undefined): number[] {
  return pairs.flatMap(([first, second]) => {
    const [one, other] = [valueOf(first), valueOf(second)];
    return one && other ? [one / other] : [];
  });
}

/** A measure over all pairs, taken on a machine of so many cores. Undefined where no whole pair has it. */
export function ratiosIn(pairs: Pair[], measure: Measure, cores: number): Ratios | undefined {
  const raw = spreadOf(quotients(pairs, ({ load }) => measure.of(load)));
  const corrected = spreadOf(quotients(pairs, (turn) => undisturbed(measure, turn, cores)));
  return raw && corrected && { raw, corrected };
}

/** What the sides at rest took of a machine of so many cores during a turn, from 0 to 1; 0 where nothing is known of them. */
export function takenBeside({ beside }: Pick<Turn, 'beside'>, cores: number): number {
  return beside && beside.seconds > 0 ? beside.cpuSeconds / (cores * beside.seconds) : 0;
}

/**
 * What a measure would have been without the sides that stood beside it at rest, on a machine of so many cores.
 *
 * They took s of the machine (`takenBeside`), so that the side and its k6 could have 1 − s of it. Shoppers without
 * think time take whatever there is, and what they get done grows with it: alone, a rate would have been rate / (1 − s), and a latency,
 * which is shoppers by rate, latency · (1 − s). Processor time per journey stays as it is. What a neighbour costs beyond its own
 * time, as by cold caches, this does not tell: the correction is too small rather than too large.
 */
export function undisturbed({ better, sharesMachine, of }: Measure, turn: Turn, cores: number): number | undefined {
  const value = of(turn.load);
  if (value === undefined || !sharesMachine) return value;
  const left = 1 - takenBeside(turn, cores);
  return better === 'higher' ? value / left : value * left;
}
