import type { Metric, Spread } from './figures.ts';

/** The name of a stack, or why there is none. */
export type Winner = string;
export const tie = 'tie';
export const notJudged = 'not judged';
export const isStack = (winner: Winner | undefined): winner is string =>
  winner !== undefined && winner !== tie && winner !== notJudged;

type Better = Metric['better'];

/**
 * Of stacks that were measured one after the other, the one whose every run is better than every run of the others. Where the
 * metric follows the machine, by more than the machine itself has changed (`drift`, 1.2 for a fifth). Ranges that touch are a tie; a
 * single run has no range, so that nothing can be said.
 */
export function winnerOf(
  { better, followsMachine }: Pick<Metric, 'better' | 'followsMachine'>,
  stacks: string[],
  ours: Partial<Record<string, Spread>>,
  drift: number | undefined,
): Winner {
  if (stacks.some((stack) => (ours[stack]?.runs ?? 0) < 2)) return notJudged;
  if (followsMachine && drift === undefined) return notJudged;
  const margin = followsMachine ? (drift ?? 1) : 1;
  const beats = (one: string, other: string) =>
    better === 'higher' ? ours[one]!.min > ours[other]!.max * margin : ours[other]!.min > ours[one]!.max * margin;
  return bestOf(stacks, beats);
}

/**
 * Of stacks that took turns, the one that is better than each of the others in every round: what the machine did between rounds
 * is the same for all of them. @param byRound values by round; a round that one lacks is not judged
 */
export function pairedWinnerOf(
  better: Better,
  stacks: string[],
  byRound: Partial<Record<string, Map<number, number>>>,
  rounds: number,
): Winner {
  const isWhole = stacks.every((stack) => byRound[stack]?.size === rounds);
  if (!isWhole || rounds < 2) return notJudged;
  const beats = (one: string, other: string) =>
    [...byRound[one]!].every(([round, value]) => {
      const theirs = byRound[other]!.get(round);
      return theirs !== undefined && (better === 'higher' ? value > theirs : value < theirs);
    });
  return bestOf(stacks, beats);
}

function bestOf(stacks: string[], beats: (one: string, other: string) => boolean): Winner {
  return stacks.find((one) => stacks.every((other) => other === one || beats(one, other))) ?? tie;
}

/** How likely chance alone is to put all of so many runs of one of two equal stacks before all of the other: 0.1 for three. */
export function chanceOfWinner(runs: number): number {
  const ways = Array.from({ length: runs }, (_, at) => (runs + at + 1) / (at + 1)).reduce((all, one) => all * one, 1);
  return 2 / ways;
}

/** The same where they took turns, and only runs of one round are set against each other: 0.06 for five. */
export function chanceOfPairedWinner(rounds: number): number {
  return 2 * 0.5 ** rounds;
}

/** Of the study's single figures the better one; whether chance made it so is not known. */
export function studyWinnerOf(better: Better, theirs: Record<string, number>): Winner {
  const [best, second] = Object.entries(theirs).toSorted(([, a], [, b]) => (better === 'higher' ? b - a : a - b));
  return best && second && best[1] !== second[1] ? best[0] : tie;
}
