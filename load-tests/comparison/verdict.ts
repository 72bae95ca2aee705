import type { Metric, Spread } from './figures.ts';
import type { ComparedStack } from './plan.ts';

export type Winner = ComparedStack | 'tie' | 'not judged';

/**
 * Which stack is better by a metric: the one whose every run is better than every run of the other. Where the metric follows
 * the machine, by more than the machine itself has changed (`drift`, 1.2 for a fifth). Ranges that touch are a tie; a single
 * run has no range, so that nothing can be said.
 */
export function winnerOf(
  { better, followsMachine }: Pick<Metric, 'better' | 'followsMachine'>,
  ours: Partial<Record<ComparedStack, Spread>>,
  drift: number | undefined,
): Winner {
  const { sync, async } = ours;
  if (!sync || !async || sync.runs < 2 || async.runs < 2) return 'not judged';
  if (followsMachine && drift === undefined) return 'not judged';
  const margin = followsMachine ? (drift ?? 1) : 1;
  if (sync.min > async.max * margin) return better === 'higher' ? 'sync' : 'async';
  if (async.min > sync.max * margin) return better === 'higher' ? 'async' : 'sync';
  return 'tie';
}

/** How likely chance alone is to put all of so many runs of one of two equal stacks before all of the other: 0.1 for three. */
export function chanceOfWinner(runs: number): number {
  const ways = Array.from({ length: runs }, (_, at) => (runs + at + 1) / (at + 1)).reduce((all, one) => all * one, 1);
  return 2 / ways;
}

/** Of the study's single figures the better one; whether chance made it so is not known. */
export function studyWinnerOf(better: Metric['better'], theirs: Record<ComparedStack, number>): Winner {
  if (theirs.sync === theirs.async) return 'tie';
  return theirs.sync > theirs.async === (better === 'higher') ? 'sync' : 'async';
}
