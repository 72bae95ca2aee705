import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../infra/testing/temporary-folder.ts';
import { publish, withTable } from './publish.ts';
import { aComparison, sequentialQuickPlan } from './testing/comparisons.ts';

const begin = '<!-- npm run compare -- --publish: begin -->';
const end = '<!-- npm run compare -- --publish: end -->';
const before = `# Shop\n\n${begin}\n\nold\n\n${end}\n\nafter\n`;

const folders: string[] = [];
let repository: string;
beforeEach(async () => {
  repository = await temporaryFolder('publish');
  folders.push(repository);
  await mkdir(join(repository, 'docs'));
  await writeFile(join(repository, 'README.md'), before);
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));
const read = (file: string) => readFile(join(repository, file), 'utf8');

test('README, document, charts and figures all come from the one comparison', async () => {
  await publish(aComparison(), repository);
  const readme = await read('README.md');
  expect(readme.replaceAll(/ +/g, ' ')).toContain(
    '| 500 shoppers: throughput, requests/s | 102 (101–103) | 202 (201–203) | async | 107.49 | 136.71 |',
  );
  expect(readme.replace(/begin -->.*<!--/s, 'begin -->\n\nold\n\n<!--')).toBe(before);
  const charts = (await readdir(join(repository, 'docs/comparison'))).filter((name) => name.endsWith('.svg'));
  const shown = [...(await read('docs/comparison.md')).matchAll(/\]\(comparison\/(.*?)\)/g)].map(([, name]) => name);
  expect(shown.sort()).toEqual(charts.sort());
  expect(JSON.parse(await read('docs/comparison/measured.json'))).toEqual(aComparison());
});

test('published twice, it is the same', async () => {
  await publish(aComparison(), repository);
  const once = await read('README.md');
  await publish(aComparison(), repository);
  expect(await read('README.md')).toBe(once);
});

test('a quick look and what was broken off are not published', async () => {
  const unfinished = aComparison({ finishedAt: undefined });
  await expect(publish(aComparison({ plan: sequentialQuickPlan }), repository)).rejects.toThrow('quick');
  await expect(publish(unfinished, repository)).rejects.toThrow('not measured to its end');
  expect(await read('README.md')).toBe(before);
  expect(await readdir(join(repository, 'docs'))).toEqual([]);
});

test('a README without a place for the table is refused', () => {
  expect(() => withTable('# Shop\n', 'table')).toThrow('no place');
  expect(() => withTable(`${end}\n${begin}`, 'table')).toThrow('no place');
});
