import { isDeepStrictEqual } from 'node:util';
import { warningBlock, type Block, type Document } from '../report/document.ts';
import { differencesOf } from './remarks.ts';
import type { Comparison } from './results.ts';
import { summaryOf, type Summary } from './summary.ts';
import { rowName, spreadText, yardsticksText } from './text.ts';

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
        caption: 'Yardstick, requests/s before and after the runs, or round by round',
        head: ['', ...summaries.map(({ name }) => name)],
        rows: stacks.map((stack) => [stack, ...summaries.map(({ summary }) => yardsticksText(summary, stack))]),
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

function besideEachOther(summaries: { name: string; summary: Summary }[], vus: number, stack: string): Block {
  const columns = summaries.map(({ summary }) => summary.levels.find((level) => level.vus === vus)?.rows ?? []);
  const rows = columns.find((column) => column.length > 0) ?? [];
  return {
    kind: 'table',
    caption: `${stack}, ${vus} shoppers`,
    head: ['', ...summaries.map(({ name }) => name)],
    rows: rows.map((row) => [
      rowName(row),
      ...columns.map((column) =>
        spreadText(column.find(({ metric }) => metric === row.metric)?.ours[stack], row.digits),
      ),
    ]),
  };
}
