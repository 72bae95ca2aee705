// Writes reports anew from kept results: npm run report -- <dir> [<dir>...]. More than one are compared with each other, too.
import { basename, relative, resolve } from 'node:path';
import { argumentsOrExit, namesAndOptionsIn, UsageError } from '../infra/command-line.ts';
import { readComparison } from './comparison/kept.ts';
import { reportOf } from './comparison/report.ts';
import type { Comparison } from './comparison/results.ts';
import { reportOfSeveral } from './comparison/several.ts';
import { summaryOf } from './comparison/summary.ts';
import { writeReport } from './report/write-report.ts';
import { resultsFolder } from './lib/results-folder.ts';
import { reasonOf } from '@flash-sale/shared/reason-of.ts';

const usage = 'usage: npm run report -- <dir> [<dir>...]   folders that npm run compare has written';
const folders = argumentsOrExit((argv) => {
  const { names } = namesAndOptionsIn(argv, {});
  if (names.length === 0) throw new UsageError('which folder?');
  return names.map((folder) => resolve(folder));
}, usage);

const isAmbiguous = new Set(folders.map((folder) => basename(folder))).size < folders.length;
const nameOf = (folder: string) => (isAmbiguous ? relative(process.cwd(), folder) : basename(folder));

const unreadable: string[] = [];
const found: { name: string; comparison: Comparison }[] = [];
for (const folder of folders) {
  try {
    const comparison = await readComparison(folder);
    found.push({ name: nameOf(folder), comparison });
    console.log(await writeReport(folder, reportOf(comparison), summaryOf(comparison)));
  } catch (error) {
    const reason = reasonOf(error);
    console.error(reason);
    unreadable.push(reason);
    process.exitCode = 1;
  }
}
if (folders.length > 1 && found.length > 0) {
  const folder = `${resultsFolder(new Date().toISOString())}-several`;
  const figures = {
    unreadable,
    comparisons: found.map(({ name, comparison }) => ({ name, ...summaryOf(comparison) })),
  };
  console.log(await writeReport(folder, reportOfSeveral(found, unreadable), figures));
}
