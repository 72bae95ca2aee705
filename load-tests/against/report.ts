import { nameOf } from '../lib/options.ts';
import { auditReport, table } from '../lib/report.ts';
import { isSlower, inWords, percent, ratioText, slowerBelow } from './judge.ts';
import { medianOf } from '../turns/statistics.ts';
import { sides, type AgainstResult, type Side } from './results.ts';

/** The tables, what is wrong, and the verdict as the last line. */
export function againstReport(result: AgainstResult): string {
  const { sides: trees, planned } = result;
  const named = sides.map((side) => [`${side} tree`, trees[side].commit, ...trees[side].settings].join(' ')).join(', ');
  return [
    `${nameOf(result)} stack, turns of ${planned.seconds} s; ${named}`,
    'ratio: of the two turns of each pair; above 1 this tree is the better one, whatever the measure',
    ...planned.levels.flatMap((vus) => levelReport(vus, result)),
    '',
    auditReport(result.audit),
    ...(result.problems.length > 0 ? ['', ...result.problems.map((problem) => `! ${problem}`)] : []),
    '',
    verdictLine(result),
  ].join('\n');
}

function levelReport(vus: number, { compared, turns, quick }: AgainstResult): string[] {
  const here = compared.filter((one) => one.vus === vus);
  const first = here[0];
  if (!first) return ['', `${vus} shoppers: not one whole pair`];
  const head = ['', 'this', 'that', 'ratio', 'quartiles', 'range', `median, ${percent(first.ratio.confidence)}`, ''];
  const rows = here.map(({ measure, unit, digits, medians, ratio, decides }) => [
    `${measure}, ${unit}`,
    ...sides.map((side) => medians[side].toFixed(digits)),
    ratioText(ratio.median),
    range(ratio.lowerQuartile, ratio.upperQuartile),
    range(ratio.min, ratio.max),
    range(...ratio.between),
    ratio.median >= slowerBelow ? '' : decides && !quick ? 'SLOWER' : 'lower',
  ]);
  const rest = (side: Side) =>
    medianOf(turns.filter((turn) => turn.vus === vus && turn.side === side).map((turn) => turn.settledSeconds)) ?? 0;
  return [
    '',
    `${vus} shoppers, ${first.ratio.pairs} pairs; at rest after ${rest('this').toFixed(1)} and ${rest('that').toFixed(1)} s`,
    table(head, rows),
  ];
}

function range(low: number, high: number): string {
  return `${ratioText(low)}–${ratioText(high)}`;
}

/** One line that can be believed by itself: whether this tree is slower than the other. */
export function verdictLine({ quick, brokenOff, compared, problems }: AgainstResult): string {
  const deciding = compared.filter(({ decides }) => decides).toSorted((a, b) => a.ratio.median - b.ratio.median);
  const [lowest] = deciding;
  if (brokenOff !== undefined || !lowest) return 'verdict: none, it was not measured to its end';
  if (quick) return `verdict: none, this was a look; lowest ${inWords(lowest)}`;
  if (isSlower(lowest)) return `verdict: SLOWER, below ${slowerBelow}: ${inWords(lowest)}`;
  const but = problems.length > 0 ? ', but see above' : '';
  return `verdict: not slower${but}; lowest ${inWords(lowest)}`;
}
