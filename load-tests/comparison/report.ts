import { isStackName, stacks as allStacks } from '@flash-sale/shared/stacks.ts';
import { warningBlock, type Block, type Document } from '../report/document.ts';
import { chartsOf } from './charts.ts';
import { chanceOf, findingsOf } from './findings.ts';
import { caveatsOf, methodOf, ruleOf } from './method.ts';
import { resultOf, runsOf, type Comparison } from './results.ts';
import { studied } from './study.ts';
import { summaryOf, type Ratio, type Row, type Summary } from './summary.ts';
import { footnote, numberText, rowName, spreadText, theirsText, yardsticksText } from './text.ts';

/** The report of one comparison. */
export function reportOf(comparison: Comparison): Document {
  const summary = summaryOf(comparison);
  const { plan } = comparison;
  const hasStudied = studiedIn(plan.stacks).length > 0;
  const charts = chartsOf(comparison).map((chart): Block => ({ kind: 'chart', chart }));
  return {
    title: titleOf(plan.stacks),
    blocks: [
      { kind: 'paragraph', text: openingOf(comparison) },
      ...warningBlock(
        'To know before reading',
        summary.remarks.map(({ text }) => text),
      ),
      { kind: 'heading', text: 'What the figures allow one to say' },
      { kind: 'list', items: [...findingsOf(summary), ...chanceOf(plan)] },
      { kind: 'heading', text: hasStudied ? 'The figures, and those of the study' : 'The figures' },
      { kind: 'paragraph', text: introductionOf(plan) },
      ...summary.levels.flatMap(({ vus, rows, ratios }) => [
        figuresTable(vus, rows, plan.stacks),
        ...ratioTable(vus, ratios, plan.stacks),
      ]),
      ...(hasStudied ? [{ kind: 'paragraph', text: footnote } as const] : []),
      { kind: 'heading', text: 'What the figures do not allow one to say' },
      { kind: 'list', items: caveatsOf(plan) },
      { kind: 'heading', text: 'Is it exact?' },
      exactnessTable(plan.stacks, summary),
      ...atRestTable(plan.stacks, summary),
      { kind: 'heading', text: 'Charts' },
      ...charts,
      { kind: 'heading', text: 'Every run' },
      everyRun(comparison),
      { kind: 'heading', text: 'How it was measured' },
      { kind: 'list', items: methodOf(comparison) },
    ],
  };
}

const studiedIn = (stacks: string[]): string[] => stacks.filter((stack) => studied.includes(stack));

function introductionOf(plan: Comparison['plan']): string {
  const ours = `the mean of the runs, with the lowest and the highest of them in brackets; of a percentile, the mean of the percentiles of the runs. ${ruleOf(plan)}`;
  if (studiedIn(plan.stacks).length === 0) return `Each figure is ${ours.trim()}`;
  return (
    'The study: students published what this system had given them in both architectures, on a laptop of 8 cores; their figures ' +
    `stand on the right. Ours is ${ours}` +
    'The study has one figure for each, so that its winners may be chance.'
  );
}

function titleOf(stacks: string[]): string {
  return stacks.length === studied.length && studiedIn(stacks).length === studied.length
    ? 'Synchronous HTTP against asynchronous events'
    : `One shop, ${stacks.length} architectures`;
}

function openingOf({ startedAt, plan, stacks }: Comparison): string {
  const machine = stacks[0]?.machine;
  const on = machine
    ? ` on ${machine.cores} cores (${machine.cpu}), ${(machine.memoryBytes / 1e9).toFixed(0)} GB, ${machine.system}, Node ${machine.node}, k6 ${machine.k6}, commit ${machine.commit}`
    : '';
  const ways = plan.stacks.map((name) => {
    const stack = name.split(':')[0]!;
    return isStackName(stack) ? `${allStacks[stack].title} (${name})` : name;
  });
  return `The same shop, its services speaking ${ways.join(' or ')}. Measured on ${startedAt.slice(0, 10)}${on}; k6 ran beside the stack.`;
}

/** A column for each stack, and for each that the study has. */
export function figuresTable(vus: number, rows: Row[], stacks: string[]): Extract<Block, { kind: 'table' }> {
  const ofStudy = studiedIn(stacks);
  const isWhole = ofStudy.length === studied.length;
  return {
    kind: 'table',
    caption: `${vus} shoppers at once`,
    head: [
      '',
      ...stacks,
      'winner',
      ...ofStudy.map((stack) => `study: ${stack}`),
      ...(isWhole ? ['study: winner'] : []),
    ],
    rows: rows.map((row) => [
      rowName(row),
      ...stacks.map((stack) => spreadText(row.ours[stack], row.digits)),
      row.winner,
      ...ofStudy.map((stack) => theirsText(row, stack)),
      ...(isWhole ? [row.theirWinner ?? '–'] : []),
    ]),
  };
}

function ratioTable(vus: number, ratios: Ratio[], [first, ...others]: string[]): Block[] {
  const measures = [...new Set(ratios.map(({ measure }) => measure))];
  const text = ({ median, min, max }: Ratio['raw']) =>
    `${numberText(median, 3)} (${numberText(min, 3)}–${numberText(max, 3)})`;
  const rows = measures.flatMap((measure) =>
    (['raw', 'corrected'] as const).map((kind) => [
      `${measure}, ${kind}`,
      ...others.map((stack) => {
        const ratio = ratios.find((one) => one.stack === stack && one.measure === measure);
        return ratio ? text(ratio[kind]) : '–';
      }),
    ]),
  );
  if (rows.length === 0) return [];
  const caption = `${vus} shoppers at once: so many times ${first} in the same round; median, lowest and highest`;
  return [{ kind: 'table', caption, head: ['', ...others], rows }];
}

function exactnessTable(stacks: string[], summary: Summary): Block {
  const { exactness, paired } = summary;
  const when = paired ? 'round by round' : 'before and after';
  return {
    kind: 'table',
    caption: 'Race, audit, and what the machine could do',
    head: ['', ...stacks],
    rows: [
      ['race', ...stacks.map((stack) => exactness[stack]?.race ?? 'missing')],
      ['… p95 of sold, of sold out (ms)', ...stacks.map((stack) => exactness[stack]?.answered ?? 'missing')],
      ['audit afterwards', ...stacks.map((stack) => exactness[stack]?.audit ?? 'missing')],
      [`yardstick ${when} (requests/s)`, ...stacks.map((stack) => yardsticksText(summary, stack))],
    ],
  };
}

/** Earlier releases did not look. */
function atRestTable(stacks: string[], { atRest }: Summary): Block[] {
  if (stacks.every((stack) => !atRest[stack])) return [];
  const row = (
    name: string,
    digits: number,
    of: (figures: NonNullable<Summary['atRest'][string]>) => number | undefined,
  ) => [
    name,
    ...stacks.map((stack) => {
      const figures = atRest[stack];
      const value = figures && of(figures);
      return value === undefined ? '–' : numberText(value, digits);
    }),
  ];
  return [
    {
      kind: 'table',
      caption: 'At rest, after the first start',
      head: ['', ...stacks],
      rows: [
        row('memory of all processes (MB)', 0, ({ bytes }) => bytes / 1e6),
        row('memory of the Node processes (MB)', 0, ({ nodeBytes }) => nodeBytes / 1e6),
        row('processor time of the Node processes (% of a core)', 1, ({ nodeCores }) => nodeCores && 100 * nodeCores),
      ],
    },
  ];
}

function everyRun(comparison: Comparison): Block {
  const rows = comparison.plan.levels.flatMap((vus) =>
    comparison.plan.stacks.flatMap((stack) =>
      runsOf(resultOf(comparison, stack), vus).map((run) => [
        `${stack}, ${vus} shoppers, run ${run.repeat}`,
        numberText(run.requestsPerSecond, 0),
        ...[run.all?.avg, run.all?.p90, run.all?.p95, run.all?.p99, run.all?.max].map((ms) =>
          ms === undefined ? '–' : numberText(ms, 0),
        ),
        String(run.failed),
        run.othersShare === undefined ? '–' : numberText(run.othersShare * 100, 1),
        run.settledSeconds === undefined ? '–' : numberText(run.settledSeconds, 1),
        run.crossed.length > 0 ? run.crossed.join(', ') : 'held',
      ]),
    ),
  );
  return {
    kind: 'table',
    caption: 'Latency in ms; nothing left out',
    head: [
      '',
      'requests/s',
      'average',
      'p90',
      'p95',
      'p99',
      'max',
      'failed',
      'others (%)',
      'at rest after (s)',
      'thresholds',
    ],
    rows,
  };
}
