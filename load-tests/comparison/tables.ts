import type { Block } from '../report/document.ts';
import type { CrowdResult } from '../lib/results.ts';
import type { Ratio } from './ratios.ts';
import { resultOf, runsOf, type Comparison } from './results.ts';
import { studied, studiedIn } from './study.ts';
import type { Row, Summary } from './summary.ts';
import { numberText, rowName, spreadText, theirsText, yardsticksText } from './text.ts';

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

export function ratioTable(vus: number, ratios: Ratio[], [first, ...others]: string[]): Block[] {
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

export function exactnessTable(stacks: string[], summary: Summary): Block {
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
export function atRestTable(stacks: string[], { atRest }: Summary): Block[] {
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

/** Earlier releases did not look. */
export function crowdTable(stacks: string[], { crowds }: Summary): Block[] {
  const found = stacks.map((stack) => crowds[stack]);
  const shoppers = found.find((crowd) => crowd !== undefined)?.shoppers;
  if (shoppers === undefined) return [];
  const row = (name: string, of: (crowd: CrowdResult) => string) => [
    name,
    ...found.map((crowd) => (crowd ? of(crowd) : '–')),
  ];
  return [
    {
      kind: 'table',
      caption: `${shoppers} shoppers log in at once, and nobody's password is remembered`,
      head: ['', ...stacks],
      rows: [
        row('let in', ({ letIn }) => String(letIn)),
        row('… the last one after (s)', ({ lastMs }) => numberText(lastMs / 1_000, 1)),
        row('… by the try', ({ triesMax }) => String(triesMax)),
        row('told to come back', ({ refusals }) => String(refusals)),
        row('… at the latest after (ms)', ({ refusedMaxMs }) =>
          refusedMaxMs === undefined ? '–' : numberText(refusedMaxMs, 0),
        ),
      ],
    },
  ];
}

export function everyRun(comparison: Comparison): Block {
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
