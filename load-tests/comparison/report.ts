import { isStackName, stacks as allStacks } from '@flash-sale/shared/stacks.ts';
import { warningBlock, type Block, type Document } from '../report/document.ts';
import { chartsOf } from './charts.ts';
import { chanceOf, findingsOf } from './findings.ts';
import { caveatsOf, methodOf, ruleOf } from './method.ts';
import type { Comparison } from './results.ts';
import { studied, studiedIn } from './study.ts';
import { summaryOf } from './summary.ts';
import { atRestTable, crowdTable, everyRun, exactnessTable, figuresTable, ratioTable } from './tables.ts';
import { footnote } from './text.ts';

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
      ...crowdTable(plan.stacks, summary),
      { kind: 'heading', text: 'Charts' },
      ...charts,
      { kind: 'heading', text: 'Every run' },
      everyRun(comparison),
      { kind: 'heading', text: 'How it was measured' },
      { kind: 'list', items: methodOf(comparison) },
    ],
  };
}

function introductionOf(plan: Comparison['plan']): string {
  const ours = `the mean of the runs, with the lowest and the highest of them in brackets; of a percentile, the mean of the percentiles of the runs. ${ruleOf(plan)}`;
  if (studiedIn(plan.stacks).length === 0) return `Each figure is ${ours.trim()}`;
  return (
    'The study: students compared the same two architectures, in an implementation of their own on a laptop of 8 cores, and ' +
    `published what they measured; their figures stand on the right. Ours is ${ours}` +
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
