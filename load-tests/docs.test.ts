import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { pageOf } from './capacity/page.ts';
import { capacity } from './capacity/results.ts';
import { readComparison } from './comparison/kept.ts';
import { markdownOf } from './report/markdown.ts';
import { withFigures } from './comparison/publish.ts';
import { reportOf } from './comparison/report.ts';

/* What is published is what the figures say that are kept beside it: nobody has written into it. */

const repository = join(import.meta.dirname, '..');
const textOf = (file: string) => readFile(join(repository, file), 'utf8');
const comparison = await readComparison(join(repository, 'docs/comparison'));

test('docs/comparison.md', async () => {
  expect(await textOf('docs/comparison.md')).toBe(markdownOf(reportOf(comparison), 'comparison'));
});

test('the table of the README', async () => {
  const readme = await textOf('README.md');
  expect(await withFigures(readme, comparison, join(repository, 'README.md'))).toBe(readme);
});

test('docs/capacity.md', async () => {
  const kept = capacity.parse(JSON.parse(await textOf('docs/capacity/measured.json')));
  expect(await textOf('docs/capacity.md')).toBe(markdownOf(pageOf(kept), ''));
});
