import { nameOf } from '../lib/options.ts';
import { auditReport, table } from '../lib/report.ts';
import { isSlower, inWords, percent, ratioText, slowerBelow } from './judge.ts';
import { takenBeside } from '../turns/pairs.ts';
import type { Turn } from '../turns/results.ts';
import { medianOf } from '../turns/statistics.ts';
import { sides, type AgainstResult, type Side } from './results.ts';

/** The tables, what is wrong, and the verdict as the last line. */
export function againstReport(result: AgainstResult): string {
  const { sides: trees, planned } = result;
  const named = sides.map((side) => [`${side} tree`, trees[side].commit, ...trees[side].settings].join(' ')).join(', ');
  return [
    `${nameOf(result)} stack, turns of ${planned.seconds} s; ${named}`,
    'raw and corrected: the ratio of the two turns of each pair; above 1 this tree is the better one, whatever the measure',
    'corrected, which decides: without what the other side, at rest, took of the machine meanwhile',
    ...planned.levels.flatMap((vus) => levelReport(vus, result)),
    '',
    auditReport(result.audit),
    ...(result.problems.length > 0 ? ['', ...result.problems.map((problem) => `! ${problem}`)] : []),
    '',
    verdictLine(result),
  ].join('\n');
}

function levelReport(vus: number, { compared, turns, quick, machine }: AgainstResult): string[] {
  const here = compared.filter((one) => one.vus === vus);
  const first = here[0];
  if (!first) return ['', `${vus} shoppers: not one whole pair`];
  const head = [
    '',
    'this',
    'that',
    'raw',
    'corrected',
    'quartiles',
    'range',
    `median, ${percent(first.corrected.confidence)}`,
    '',
  ];
  const rows = here.map(({ measure, unit, digits, medians, raw, corrected, decides }) => [
    `${measure}, ${unit}`,
    ...sides.map((side) => medians[side].toFixed(digits)),
    ratioText(raw.median),
    ratioText(corrected.median),
    range(corrected.lowerQuartile, corrected.upperQuartile),
    range(corrected.min, corrected.max),
    range(...corrected.between),
    corrected.median >= slowerBelow ? '' : decides && !quick ? 'SLOWER' : 'lower',
  ]);
  const median = (side: Side, of: (turn: Turn) => number) =>
    medianOf(turns.filter((turn) => turn.vus === vus && turn.side === side).map(of)) ?? 0;
  const rest = (side: Side) => median(side, ({ settledSeconds }) => settledSeconds).toFixed(1);
  const taken = (side: Side) => `${(100 * median(side, (turn) => takenBeside(turn, machine.cores))).toFixed(1)} %`;
  return [
    '',
    `${vus} shoppers, ${first.corrected.pairs} pairs; at rest after ${rest('this')} and ${rest('that')} s`,
    `taken of the machine by the side at rest: ${taken('this')} in the turns of this tree, ${taken('that')} in those of that tree`,
    table(head, rows),
  ];
}

function range(low: number, high: number): string {
  return `${ratioText(low)}–${ratioText(high)}`;
}

/** One line that can be believed by itself: whether this tree is slower than the other. */
export function verdictLine({ quick, brokenOff, compared, problems }: AgainstResult): string {
  const deciding = compared
    .filter(({ decides }) => decides)
    .toSorted((a, b) => a.corrected.median - b.corrected.median);
  const [lowest] = deciding;
  if (brokenOff !== undefined || !lowest) return 'verdict: none, it was not measured to its end';
  if (quick) return `verdict: none, this was a look; lowest ${inWords(lowest)}`;
  if (isSlower(lowest)) return `verdict: SLOWER, below ${slowerBelow}: ${inWords(lowest)}`;
  const but = problems.length > 0 ? ', but see above' : '';
  return `verdict: not slower${but}; lowest ${inWords(lowest)}`;
}
