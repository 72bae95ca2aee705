import { isDeepStrictEqual } from 'node:util';
import { stacks as allStacks } from '@flash-sale/shared/stacks.ts';
import { chartsOf } from './charts.ts';
import type { Block, Document } from './document.ts';
import type { Spread } from './figures.ts';
import { comparedStacks, type ComparedStack } from './plan.ts';
import { differencesOf } from './remarks.ts';
import { resultOf, runsOf, type Comparison } from './results.ts';
import { summaryOf, type Row, type Summary } from './summary.ts';
import { chanceOfWinner, type Winner } from './verdict.ts';

/** The report of one comparison. */
export function reportOf(comparison: Comparison): Document {
  const summary = summaryOf(comparison);
  const { plan } = comparison;
  const charts = chartsOf(comparison).map((chart): Block => ({ kind: 'chart', chart }));
  return {
    title: 'Synchronous HTTP against asynchronous events',
    blocks: [
      { kind: 'paragraph', text: openingOf(comparison) },
      ...warningsOf(summary),
      { kind: 'heading', text: 'What the figures allow one to say' },
      { kind: 'list', items: [...sayings(summary), ...chanceOf(plan.repeats)] },
      { kind: 'heading', text: 'The figures, and those of the study' },
      {
        kind: 'paragraph',
        text:
          'The study: students published what this system had given them in both architectures, on a laptop of 8 cores; their figures ' +
          'stand on the right. Ours is the mean of the runs, with the lowest and the highest of them in brackets; of a percentile, ' +
          'the mean of the percentiles of the runs. A winner is named only where all its runs are better than all runs of the other; of ' +
          'latency, throughput and CPU, by more than the yardsticks differ. Otherwise the difference is within the noise: a tie. The ' +
          'study has one figure for each, so that its winners may be chance.',
      },
      ...summary.levels.map(({ vus, rows }) => studyTable(vus, rows)),
      { kind: 'paragraph', text: footnote },
      { kind: 'heading', text: 'What the figures do not allow one to say' },
      { kind: 'list', items: caveats },
      { kind: 'heading', text: 'Is it exact?' },
      exactnessTable(plan.stacks, summary),
      { kind: 'heading', text: 'Charts' },
      ...charts,
      { kind: 'heading', text: 'Every run' },
      everyRun(comparison),
      { kind: 'heading', text: 'How it was measured' },
      { kind: 'list', items: methodOf(comparison) },
    ],
  };
}

/**
 * Comparisons beside each other, and why others could not be read. They are not brought together into one mean: they are of different hours, if
 * not machines.
 */
export function reportOfSeveral(named: { name: string; comparison: Comparison }[], unreadable: string[]): Document {
  const summaries = named.map(({ name, comparison }) => ({ name, summary: summaryOf(comparison) }));
  const levels = [...new Set(summaries.flatMap(({ summary }) => summary.levels.map(({ vus }) => vus)))];
  const stacks = [...new Set(named.flatMap(({ comparison }) => comparison.plan.stacks))];
  const warnings = [
    ...unreadable.map((reason) => `Left out: ${reason}.`),
    ...machineWarnings(summaries),
    ...planWarnings(named),
    ...summaries.flatMap(({ name, summary }) => summary.remarks.map(({ text }) => `${name}: ${text}`)),
  ];
  return {
    title: `${named.length} comparisons beside each other`,
    blocks: [
      {
        kind: 'paragraph',
        text: 'Each column is a comparison of its own: mean of its runs, with the lowest and the highest of them in brackets.',
      },
      ...warningBlock('To know before reading', warnings),
      ...levels.flatMap((vus) => stacks.map((stack) => besideEachOther(summaries, vus, stack))),
      {
        kind: 'table',
        caption: 'Yardstick, requests/s before and after the runs',
        head: ['', ...summaries.map(({ name }) => name)],
        rows: stacks.map((stack) => [stack, ...summaries.map(({ summary }) => yardsticksOf(summary, stack))]),
      },
    ],
  };
}

function machineWarnings([first, ...others]: { name: string; summary: Summary }[]): string[] {
  return others.flatMap(({ name, summary }) => {
    const [one, other] = [first?.summary.machine, summary.machine];
    const differs = one && other ? differencesOf(one, other) : [];
    const what = differs.join('; ');
    return differs.length > 0 ? [`${first?.name} and ${name} cannot be compared as they are: ${what}.`] : [];
  });
}

function planWarnings([first, ...others]: { name: string; comparison: Comparison }[]): string[] {
  return others
    .filter(({ comparison }) => !isDeepStrictEqual(comparison.plan, first?.comparison.plan))
    .map(
      ({ name }) =>
        `${first?.name} and ${name} were not measured in the same amounts: seconds, repeats, warm-up or race differ.`,
    );
}

function besideEachOther(summaries: { name: string; summary: Summary }[], vus: number, stack: ComparedStack): Block {
  const columns = summaries.map(({ summary }) => summary.levels.find((level) => level.vus === vus)?.rows ?? []);
  const rows = columns.find((column) => column.length > 0) ?? [];
  return {
    kind: 'table',
    caption: `${stack}, ${vus} shoppers`,
    head: ['', ...summaries.map(({ name }) => name)],
    rows: rows.map((row) => [
      named(row),
      ...columns.map((column) =>
        spreadText(column.find(({ metric }) => metric === row.metric)?.ours[stack], row.digits),
      ),
    ]),
  };
}

function openingOf({ startedAt, plan, stacks }: Comparison): string {
  const machine = stacks[0]?.machine;
  const on = machine
    ? ` on ${machine.cores} cores (${machine.cpu}), ${(machine.memoryBytes / 1e9).toFixed(0)} GB, ${machine.system}, Node ${machine.node}, k6 ${machine.k6}, commit ${machine.commit}`
    : '';
  return `The same shop, its services speaking ${plan.stacks.map((stack) => `${allStacks[stack].title} (${stack})`).join(' or ')}. Measured on ${startedAt.slice(0, 10)}${on}; k6 ran beside the stack.`;
}

function warningsOf({ remarks }: Summary): Block[] {
  return warningBlock(
    'To know before reading',
    remarks.map(({ text }) => text),
  );
}

function warningBlock(title: string, items: string[]): Block[] {
  return items.length > 0 ? [{ kind: 'warning', title, items }] : [];
}

/** The table of the study, with ours beside it. */
export function studyTable(vus: number, rows: Row[]): Extract<Block, { kind: 'table' }> {
  return {
    kind: 'table',
    caption: `${vus} shoppers at once`,
    head: ['', ...comparedStacks, 'winner', ...comparedStacks.map((stack) => `study: ${stack}`), 'study: winner'],
    rows: rows.map((row) => [
      named(row),
      ...comparedStacks.map((stack) => spreadText(row.ours[stack], row.digits)),
      row.winner,
      ...comparedStacks.map((stack) => theirsText(row, stack)),
      row.theirWinner ?? '–',
    ]),
  };
}

export const footnote =
  '* Of what, the study does not say: neither the figure nor its winner can be held against ours.';

export function theirsText({ theirs, unlikeStudy }: Row, stack: ComparedStack): string {
  if (!theirs) return '–';
  return `${theirs[stack].toLocaleString('en-US')}${unlikeStudy ? ' *' : ''}`;
}

function named({ metric, unit }: Row): string {
  return unit === '' ? metric : `${metric} (${unit})`;
}

export function spreadText(spread: Spread | undefined, digits: number): string {
  if (!spread) return '–';
  const [mean, min, max] = [spread.mean, spread.min, spread.max].map((value) => numberText(value, digits));
  return spread.runs > 1 ? `${mean} (${min}–${max})` : `${mean} (one run)`;
}

function numberText(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A sentence for each level and each kind of outcome. */
function sayings({ levels, drift, machine }: Summary): string[] {
  const sentences = levels.map(({ vus, rows }) => {
    const by = (winner: Winner) =>
      rows.filter((row) => row.winner === winner).map((row) => `${row.metric}${differenceText(row)}`);
    const parts = [
      ...comparedStacks.flatMap((stack) =>
        by(stack).length > 0 ? [`${stack} is better by ${enumerated(by(stack))}`] : [],
      ),
      ...(by('tie').length > 0 ? [`a tie by ${enumerated(by('tie'))}`] : []),
      ...(by('not judged').length > 0 ? [`not judged: ${enumerated(by('not judged'))}`] : []),
    ];
    if (by('not judged').length === rows.length) return `With ${vus} shoppers no winner can be named.`;
    return `With ${vus} shoppers: ${parts.join('; ')}.`;
  });
  const agreed = levels.flatMap(({ vus, rows }) =>
    rows
      .filter(({ winner, theirWinner, unlikeStudy }) => winner !== 'not judged' && isStack(theirWinner) && !unlikeStudy)
      .map(({ metric, winner, theirWinner }) => ({
        what: `${metric} at ${vus}`,
        is: winner === 'tie' ? 'tie' : winner === theirWinner ? 'same' : 'other',
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

/** By how much the winner's mean differs from the other's. */
function differenceText({ winner, ours }: Row): string {
  if (!isStack(winner) || !ours.sync || !ours.async) return '';
  const [best, other] = winner === 'sync' ? [ours.sync, ours.async] : [ours.async, ours.sync];
  if (other.mean === 0) return '';
  const percent = Math.abs(best.mean / other.mean - 1) * 100;
  return ` (${percent.toFixed(0)} % ${best.mean > other.mean ? 'higher' : 'lower'})`;
}

/** What the rule that names a winner is worth. */
function chanceOf(repeats: number): string[] {
  if (repeats < 2) return [];
  const percent = (chanceOfWinner(repeats) * 100).toFixed(0);
  return [
    `Between stacks that are equal, chance alone would put all ${repeats} runs of one before all of the other in ${percent} of 100 rows. The runs of a stack are of one start of it, and the rows of a level are of the same runs: they do not confirm each other.`,
  ];
}

const isStack = (winner: Winner | undefined): winner is ComparedStack =>
  comparedStacks.some((stack) => stack === winner);

function enumerated(items: string[]): string {
  return items.join(', ').replace(/, ([^,]*)$/, items.length > 2 ? ', and $1' : ' and $1');
}

const caveats = [
  'That ours is so many times as fast as theirs: the study ran another implementation on another machine, an 8-core laptop. Only which stack wins can be held against it.',
  'Anything about their CPU and memory beside ours. Ours is the processor time of all processes of the stack (databases, broker and nginx included) as a share of all cores, and their private memory in full plus shared pages once, on average over the run. The study does not define its few per cent and its 133 to 363 MB; they cannot be of all processes under full load.',
  'That the stack with less CPU is the thriftier one: without think time each takes what k6 leaves of the machine. CPU per purchase says what a purchase costs.',
  'What the machine did between the yardsticks: sync was measured first, async after it, each for several minutes.',
  'How the stacks behave over a network: here every hop is a loopback, which flatters the stack with more hops.',
  'What a shopper would wait at a given rate of arrival. The shoppers here have no think time and begin the next step when the last is answered, so that latency is nearly shoppers by throughput, and both say the same thing twice.',
  'Which stack is safer: both pass through the same outbox and inbox; the audit below says what became of it.',
];

function exactnessTable(stacks: ComparedStack[], { exactness, yardsticks }: Summary): Block {
  return {
    kind: 'table',
    caption: 'Race, audit, and what the machine could do',
    head: ['', ...stacks],
    rows: [
      ['race', ...stacks.map((stack) => exactness[stack]?.race ?? 'missing')],
      ['… p95 of sold, of sold out (ms)', ...stacks.map((stack) => exactness[stack]?.answered ?? 'missing')],
      ['audit afterwards', ...stacks.map((stack) => exactness[stack]?.audit ?? 'missing')],
      ['yardstick before and after (requests/s)', ...stacks.map((stack) => yardsticksText(yardsticks[stack]))],
    ],
  };
}

function yardsticksOf({ yardsticks }: Summary, stack: ComparedStack): string {
  return yardsticksText(yardsticks[stack]);
}

function yardsticksText(yardsticks: Summary['yardsticks'][ComparedStack]): string {
  const text = (rate: number | undefined) => (rate === undefined ? 'missing' : numberText(rate, 0));
  return `${text(yardsticks?.before)}, ${text(yardsticks?.after)}`;
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

function methodOf({ plan }: Comparison): string[] {
  const { levels, repeats, warmUps, seconds, race } = plan;
  return [
    `Each stack is started anew with empty databases and demo data, two instances of each service. ${Math.max(...levels)} shoppers log in, then ${warmUps} warm-up of ${seconds.warmUp} s, then ${repeats} × ${levels.join(' and ')} shoppers for ${seconds.run} s each, taking turns.`,
    'A shopper logs in, creates a cart, fetches a product, adds it, reserves and pays, without think time. Every answer is checked; one that does not come within a minute has failed.',
    "Requests/s is k6's own figure: all answers by the length of the whole run, from its set-up to the end of the last journey.",
    'Before each run the stack is at rest: every outbox empty, every reservation and order settled. How long that took after the last answer stands beside each run; it is not part of its CPU.',
    `The yardstick is an Express hello world, two processes behind an nginx with the same workers, 500 virtual users for ${seconds.yardstick} s, before each stack is started and after it has ended: what this machine can do at most with k6 beside it.`,
    `The race: ${race.buyers} shoppers reserve one of ${race.stock} units at the same moment. The audit then looks at the databases and at Redis.`,
    'Others are whoever had a part of the machine during the run besides the stack and k6, its host included.',
    "CPU and memory come from /proc, once a second. Per second, latency and throughput come from the record of k6's own dashboard.",
    'Again: npm run compare',
  ];
}
