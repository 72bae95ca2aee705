import type { Measure } from './measures.ts';
import type { Turn } from './results.ts';

export type Pair<OneTurn extends Turn = Turn> = [first: OneTurn, second: OneTurn];

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

/**
 * What a measure would have been without the sides that stood beside it at rest, on a machine of so many cores.
 *
 * They took s = cpuSeconds / (cores · seconds) of the machine, so that the side and its k6 could have 1 − s of it. Shoppers without
 * think time take whatever there is, and what they get done grows with it: alone, a rate would have been rate / (1 − s), and a latency,
 * which is shoppers by rate, latency · (1 − s). Processor time per journey stays as it is. What a neighbour costs beyond its own
 * time, as by cold caches, this does not tell: the correction is too small rather than too large.
 */
export function undisturbed({ better, sharesMachine, of }: Measure, turn: Turn, cores: number): number | undefined {
  const value = of(turn.load);
  if (value === undefined || !sharesMachine || !turn.beside || turn.beside.seconds <= 0) return value;
  const left = 1 - turn.beside.cpuSeconds / (cores * turn.beside.seconds);
  return better === 'higher' ? value / left : value * left;
}
