import type { Comparison } from './results.ts';
import type { Row, Summary } from './summary.ts';
import { enumerated } from './text.ts';
import { chanceOfPairedWinner, chanceOfWinner, isStack, notJudged, tie, type Winner } from './verdict.ts';

/** A sentence for each level and each kind of outcome. */
export function findingsOf({ levels, stacks, drift, machine }: Summary): string[] {
  const sentences = levels.map(({ vus, rows }) => {
    const by = (winner: Winner) =>
      rows.filter((row) => row.winner === winner).map((row) => `${row.metric}${differenceText(row)}`);
    const parts = [
      ...stacks.flatMap((stack) => (by(stack).length > 0 ? [`${stack} is better by ${enumerated(by(stack))}`] : [])),
      ...(by(tie).length > 0 ? [`a tie by ${enumerated(by(tie))}`] : []),
      ...(by(notJudged).length > 0 ? [`not judged: ${enumerated(by(notJudged))}`] : []),
    ];
    if (by(notJudged).length === rows.length) return `With ${vus} shoppers no winner can be named.`;
    return `With ${vus} shoppers: ${parts.join('; ')}.`;
  });
  const agreed = levels.flatMap(({ vus, rows }) =>
    rows
      .filter(({ winnerOfStudied, theirWinner, unlikeStudy }) =>
        [winnerOfStudied !== undefined, winnerOfStudied !== notJudged, isStack(theirWinner), !unlikeStudy].every(
          Boolean,
        ),
      )
      .map(({ metric, winnerOfStudied, theirWinner }) => ({
        what: `${metric} at ${vus}`,
        is: winnerOfStudied === tie ? 'tie' : winnerOfStudied === theirWinner ? 'same' : 'other',
      })),
  );
  const [same, other, ties] = ['same', 'other', 'tie'].map((is) =>
    agreed.filter((one) => one.is === is).map(({ what }) => what),
  );
  return [
    ...sentences,
    ...(same?.length ? [`The same stack wins as in the study: ${enumerated(same)}.`] : []),
    ...(other?.length ? [`The other stack wins than in the study: ${enumerated(other)}.`] : []),
    ...(ties?.length ? [`The study has a winner, we have a tie: ${enumerated(ties)}.`] : []),
    ...(drift === undefined
      ? ['How much the machine changed meanwhile is not known: not all yardsticks were measured.']
      : [`Between the yardsticks the machine changed by ${((drift - 1) * 100).toFixed(0)} %.`]),
    ...(machine ? [`All of it holds for this machine of ${machine.cores} cores, which the stack shares with k6.`] : []),
  ];
}

/** By how much the winner's mean differs from the best of the others. */
function differenceText({ winner, ours }: Row): string {
  const best = isStack(winner) ? ours[winner] : undefined;
  const others = Object.entries(ours).flatMap(([stack, spread]) => (stack !== winner && spread ? [spread.mean] : []));
  if (!best || others.length === 0) return '';
  const nearest = others.toSorted((a, b) => Math.abs(a - best.mean) - Math.abs(b - best.mean))[0]!;
  if (nearest === 0) return '';
  const percent = Math.abs(best.mean / nearest - 1) * 100;
  return ` (${percent.toFixed(0)} % ${best.mean > nearest ? 'higher' : 'lower'})`;
}

/** What the rule that names a winner is worth. */
export function chanceOf({ repeats, paired }: Comparison['plan']): string[] {
  if (repeats < 2) return [];
  const percent = ((paired ? chanceOfPairedWinner(repeats) : chanceOfWinner(repeats)) * 100).toFixed(0);
  return [
    paired
      ? `Between two stacks that are equal, chance alone would put one before the other in all ${repeats} rounds in ${percent} of 100 rows. The rows of a level are of the same runs: they do not confirm each other.`
      : `Between stacks that are equal, chance alone would put all ${repeats} runs of one before all of the other in ${percent} of 100 rows. The runs of a stack are of one start of it, and the rows of a level are of the same runs: they do not confirm each other.`,
  ];
}
