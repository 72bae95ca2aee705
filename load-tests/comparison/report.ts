import { chartsOf } from './charts.ts';
import type { Block, Document } from './document.ts';
import type { Spread } from './figures.ts';
import type { StackName } from './plan.ts';
import { differencesOf } from './remarks.ts';
import { resultOf, runsOf, type Comparison } from './results.ts';
import { summaryOf, type Row, type Summary } from './summary.ts';
import type { Winner } from './verdict.ts';

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
      { kind: 'heading', text: 'Beside the study' },
      ...summary.levels.map(({ vus, rows }) => studyTable(vus, rows)),
      {
        kind: 'paragraph',
        text:
          'Ours is the mean of the runs, with the lowest and the highest of them in brackets. A winner is named only where all its runs ' +
          'are better than all runs of the other; of latency, throughput and CPU per purchase, by more than the yardsticks differ. ' +
          'Otherwise it is a tie. The study has one figure for each, so that its winners may be chance.',
      },
      { kind: 'heading', text: 'What the figures allow one to say' },
      { kind: 'list', items: sayings(summary) },
      { kind: 'heading', text: 'What they do not' },
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

function besideEachOther(summaries: { name: string; summary: Summary }[], vus: number, stack: StackName): Block {
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
  return `The same shop, its services speaking ${plan.stacks.map((stack) => described[stack]).join(' or ')}. Measured on ${startedAt.slice(0, 10)}${on}; k6 ran beside the stack.`;
}

const described: Record<StackName, string> = {
  sync: 'HTTP behind round-robin nginx (sync)',
  async: 'RabbitMQ behind least-connections nginx (async)',
};

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
    head: ['', 'sync', 'async', 'winner', 'study: sync', 'study: async', 'study: winner'],
    rows: rows.map((row) => [
      named(row),
      spreadText(row.ours.sync, row.digits),
      spreadText(row.ours.async, row.digits),
      row.winner,
      row.theirs ? row.theirs.sync.toLocaleString('en-US') : '–',
      row.theirs ? row.theirs.async.toLocaleString('en-US') : '–',
      row.theirWinner ?? '–',
    ]),
  };
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
    const by = (winner: Winner) => rows.filter((row) => row.winner === winner).map(({ metric }) => metric);
    const parts = [
      ...(by('sync').length > 0 ? [`sync is better by ${enumerated(by('sync'))}`] : []),
      ...(by('async').length > 0 ? [`async is better by ${enumerated(by('async'))}`] : []),
      ...(by('tie').length > 0 ? [`a tie by ${enumerated(by('tie'))}`] : []),
      ...(by('not judged').length > 0 ? [`not judged: ${enumerated(by('not judged'))}`] : []),
    ];
    if (by('not judged').length === rows.length) return `With ${vus} shoppers no winner can be named.`;
    return `With ${vus} shoppers: ${parts.join('; ')}.`;
  });
  const agreed = levels.flatMap(({ vus, rows }) =>
    rows
      .filter(({ winner, theirWinner }) => isStack(winner) && isStack(theirWinner))
      .map(({ metric, winner, theirWinner }) => ({ what: `${metric} at ${vus}`, agrees: winner === theirWinner })),
  );
  const [same, other] = [true, false].map((agrees) =>
    agreed.filter((one) => one.agrees === agrees).map(({ what }) => what),
  );
  return [
    ...sentences,
    ...(same?.length ? [`The same stack wins as in the study: ${enumerated(same)}.`] : []),
    ...(other?.length ? [`The other stack wins than in the study: ${enumerated(other)}.`] : []),
    ...(drift === undefined
      ? ['How much the machine changed meanwhile is not known: not all yardsticks were measured.']
      : [`Between the yardsticks the machine changed by ${((drift - 1) * 100).toFixed(0)} %.`]),
    ...(machine ? [`All of it holds for this machine of ${machine.cores} cores, which the stack shares with k6.`] : []),
  ];
}

const isStack = (winner: Winner | undefined): winner is StackName => winner === 'sync' || winner === 'async';

function enumerated(items: string[]): string {
  return items.join(', ').replace(/, ([^,]*)$/, items.length > 2 ? ', and $1' : ' and $1');
}

const caveats = [
  'That ours is so many times as fast as theirs: the study ran another implementation on another machine, an 8-core laptop. Only which stack wins can be held against it.',
  'Anything about their CPU and memory beside ours. Ours is the processor time of all processes of the stack (databases, broker and nginx included) as a share of all cores, and their private memory in full plus shared pages once. The study does not define its few per cent and its 133 to 363 MB; they cannot be of all processes under full load.',
  'How the stacks behave over a network: here every hop is a loopback, which flatters the stack with more hops.',
  'What a shopper would wait at a given rate of arrival. The shoppers here have no think time and begin the next step when the last is answered, so that latency is nearly shoppers by throughput, and both say the same thing twice.',
  'Which stack is safer: both pass through the same outbox and inbox, and both were audited.',
];

function exactnessTable(stacks: StackName[], { exactness, yardsticks }: Summary): Block {
  return {
    kind: 'table',
    caption: 'Race, audit, and what the machine could do',
    head: ['', ...stacks],
    rows: [
      ['race', ...stacks.map((stack) => exactness[stack]?.race ?? 'missing')],
      ['audit afterwards', ...stacks.map((stack) => exactness[stack]?.audit ?? 'missing')],
      ['yardstick before and after (requests/s)', ...stacks.map((stack) => yardsticksText(yardsticks[stack]))],
    ],
  };
}

function yardsticksOf({ yardsticks }: Summary, stack: StackName): string {
  return yardsticksText(yardsticks[stack]);
}

function yardsticksText(yardsticks: Summary['yardsticks'][StackName]): string {
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
        run.crossed.length > 0 ? run.crossed.join(', ') : 'held',
      ]),
    ),
  );
  return {
    kind: 'table',
    caption: 'Latency in ms; nothing left out',
    head: ['', 'requests/s', 'average', 'p90', 'p95', 'p99', 'max', 'failed', 'thresholds'],
    rows,
  };
}

function methodOf({ plan }: Comparison): string[] {
  const { levels, repeats, warmUps, seconds, race } = plan;
  return [
    `Each stack is started anew with empty databases and demo data, two instances of each service. ${Math.max(...levels)} shoppers log in, then ${warmUps} warm-up of ${seconds.warmUp} s, then ${repeats} × ${levels.join(' and ')} shoppers for ${seconds.run} s each, taking turns.`,
    'A shopper logs in, creates a cart, fetches a product, adds it, reserves and pays, without think time. Every answer is checked.',
    `The yardstick is an Express hello world, two processes behind an nginx with the same workers, 500 virtual users for ${seconds.yardstick} s: what this machine can do at most with k6 beside it.`,
    `The race: ${race.buyers} shoppers reserve one of ${race.stock} units at the same moment. The audit then looks at the databases and at Redis.`,
    "CPU and memory come from /proc, once a second. Per second, latency and throughput come from the record of k6's own dashboard.",
    'Again: npm run compare',
  ];
}
