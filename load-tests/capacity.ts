// What a checkout costs, and what crowds would need: npm run capacity. How, and what it counts: load-tests/README.md
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { fullPlan, measureCosts, quickPlan } from './capacity/measure.ts';
import { pageOf } from './capacity/page.ts';
import { capacity, type Capacity } from './capacity/results.ts';
import { markdownOf } from './comparison/markdown.ts';
import { argumentsOrExit, optionsIn, UsageError } from '../infra/command-line.ts';
import { brokenOffBySignals } from './lib/break-off.ts';
import { describeMachine } from './lib/machine.ts';
import { resultsFolder } from './lib/results-folder.ts';

const usage = `usage: npm run capacity [-- --quick | --publish DIR]

Measures on every stack, one after the other, what a checkout costs in processor time, log, storage and messages, and
calculates from it what 1,000, 10,000 and 100,000 checkouts a second need: about six minutes.

  --quick        short runs of few shoppers: a look, no figures
  --publish DIR  measures nothing: writes the results in DIR to docs/capacity.md`;

const repository = join(import.meta.dirname, '..');
const signal = brokenOffBySignals();
const args = argumentsOrExit(
  (argv) => optionsIn(argv, { quick: { type: 'boolean' }, publish: { type: 'string' } }),
  usage,
);

try {
  await (args.publish === undefined ? measureAndKeep() : publish(args.publish));
} catch (error) {
  console.error(signal.aborted ? String(signal.reason) : error instanceof UsageError ? error.message : error);
  process.exitCode = signal.aborted ? 130 : 1;
}
process.exit();

async function measureAndKeep(): Promise<void> {
  const startedAt = new Date().toISOString();
  const machine = await describeMachine();
  const scratch = join(repository, '.local', `capacity-${process.pid}`);
  const stacks = [];
  try {
    for (const stack of stackNames) {
      console.log(`${stack}: measuring`);
      stacks.push(await measureCosts(stack, args.quick ? quickPlan : fullPlan, scratch, signal));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const results = resultsFolder(startedAt);
  await write(results, 'capacity.md', { format: 1, startedAt, machine, stacks }, results);
  console.log(`written: ${join(results, 'capacity.md')}`);
}

async function publish(folder: string): Promise<void> {
  const file = join(folder, 'measured.json');
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new UsageError(`${file} cannot be read, so nothing was written: ${cause.message}`, { cause });
  });
  const kept = capacity.parse(JSON.parse(text));
  const docs = join(repository, 'docs');
  await write(docs, 'capacity.md', kept, join(docs, 'capacity'));
  console.log('written: docs/capacity.md and docs/capacity/measured.json');
}

async function write(folder: string, page: string, measured: Capacity, keptIn: string): Promise<void> {
  await mkdir(keptIn, { recursive: true });
  await writeFile(join(keptIn, 'measured.json'), JSON.stringify(measured, null, 2) + '\n');
  await writeFile(join(folder, page), markdownOf(pageOf(measured), ''));
}
