import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatted } from '../../infra/generated-file.ts';
import { keepComparison } from './kept.ts';
import { escaped, markdownOf, markdownTable } from '../report/markdown.ts';
import { reportOf } from './report.ts';
import type { Comparison } from './results.ts';
import { studiedIn } from './study.ts';
import { summaryOf, type Summary } from './summary.ts';
import { footnote, spreadText, theirsText } from './text.ts';
import { writeCharts } from '../report/write-report.ts';

const begin = '<!-- npm run compare -- --publish: begin -->';
const end = '<!-- npm run compare -- --publish: end -->';

/**
 * Writes docs/comparison.md, its charts and figures below docs/comparison/, and the table of the README, all from the one
 * comparison. Throws, and changes nothing, if that was a quick look or not measured to its end.
 */
export async function publish(comparison: Comparison, repository: string): Promise<void> {
  if (comparison.plan.quick) throw new Error('a quick look is not published: run npm run compare without --quick');
  if (comparison.finishedAt === undefined) throw new Error('what was not measured to its end is not published');
  const readme = join(repository, 'README.md');
  const text = await withFigures(await readFile(readme, 'utf8'), comparison, readme);
  const document = reportOf(comparison);
  const docs = join(repository, 'docs');
  await writeCharts(join(docs, 'comparison'), document);
  await keepComparison(join(docs, 'comparison'), comparison);
  await writeFile(join(docs, 'comparison.md'), markdownOf(document, 'comparison'));
  await writeFile(readme, text);
}

/** The README with the figures of this comparison, in the format in which the checks want to find it. */
export function withFigures(text: string, comparison: Comparison, file: string): Promise<string> {
  return formatted(file, withTable(text, readmePart(summaryOf(comparison))));
}

/** Puts the part between the two marks. @throws if the text does not have them, in this order */
export function withTable(text: string, part: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the README has no place for the table: "${begin}" and "${end}"`);
  return `${text.slice(0, from)}${begin}\n\n${part}\n\n${text.slice(to)}`;
}

function readmePart({ startedAt, machine, stacks, levels, remarks, drift, exactness }: Summary): string {
  const ofStudy = studiedIn(stacks);
  const head = ['', ...stacks, 'winner', ...ofStudy.map((stack) => `study: ${stack}`)];
  const rows = levels.flatMap(({ vus, rows }) =>
    rows.map((row) => [
      `${vus} shoppers: ${row.metric}${row.unit && `, ${row.unit}`}`,
      ...stacks.map((stack) => spreadText(row.ours[stack], row.digits)),
      row.winner,
      ...ofStudy.map((stack) => theirsText(row, stack)),
    ]),
  );
  const where = machine ? `${machine.cores} cores (${machine.cpu}), commit ${machine.commit}` : 'an unknown machine';
  const audits = stacks.map((stack) => `${stack} ${exactness[stack]?.audit ?? 'missing'}`);
  const steadiness =
    drift === undefined ? '' : ` The machine changed its speed by ${((drift - 1) * 100).toFixed(0)} %.`;
  return [
    `Measured by \`npm run compare\` on ${startedAt.slice(0, 10)}, ${where}; mean of the runs, lowest and highest in brackets.${steadiness} Audit afterwards: ${audits.join(', ')}. Charts, every run, and what the figures do not say: [docs/comparison.md](docs/comparison.md).`,
    ...remarks.map(({ text }) => `- ${text}`),
    markdownTable(head, rows),
    escaped(footnote),
  ].join('\n\n');
}
