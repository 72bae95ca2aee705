// What a checkout costs, and what crowds would need: npm run capacity. How, and what it counts: load-tests/README.md
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit, optionsIn } from '../infra/command-line.ts';
import { writeWhole } from '../infra/launcher/whole-file.ts';
import { fullPlan, measuredStacks, measureCosts, quickPlan } from './capacity/measure.ts';
import { pageOf } from './capacity/page.ts';
import { capacity, type Capacity } from './capacity/results.ts';
import { readKept, UnreadableResult } from './lib/kept.ts';
import { describeMachine } from './lib/machine.ts';
import { flag, text } from './lib/options.ts';
import { runMeasurement, type MeasuringRun } from './lib/run.ts';
import { markdownOf } from './report/markdown.ts';

const usage = `usage: npm run capacity [-- --quick | --publish DIR]

Measures on ${measuredStacks.join(' and ')}, one after the other, what a checkout costs in processor time, log, storage and messages, and
calculates from it what 1,000, 10,000 and 100,000 checkouts a second need: about six minutes.

  --quick        short runs of few shoppers: a look, no figures
  --publish DIR  measures nothing: writes the results in DIR to docs/capacity.md`;

const kept = 'measured.json';
const page = 'capacity.md';
const args = argumentsOrExit((argv) => optionsIn(argv, { quick: flag, publish: text }), usage);
let measured: Capacity | undefined;

if (args.publish !== undefined) process.exit(await publish(args.publish));
await runMeasurement({ name: 'capacity', measure, conclude });

async function measure(run: MeasuringRun): Promise<void> {
  const machine = await describeMachine();
  const stacks = [];
  for (const stack of measuredStacks) {
    run.say(`${stack}: measuring`);
    stacks.push(await measureCosts(stack, args.quick ? quickPlan : fullPlan, run));
  }
  measured = { format: 1, startedAt: run.startedAt, machine, stacks };
}

async function conclude(run: MeasuringRun): Promise<boolean> {
  if (!measured) return false;
  run.keep(kept, measured);
  await writePage(run.results, measured);
  run.say(`written: ${join(run.results, page)}`);
  return true;
}

async function publish(folder: string): Promise<number> {
  try {
    const found = await readKept(join(folder, kept), capacity, 'a measurement of capacity');
    const docs = join(import.meta.dirname, '../docs');
    await mkdir(join(docs, 'capacity'), { recursive: true });
    writeWhole(join(docs, 'capacity', kept), found, 0o644);
    await writePage(docs, found);
    console.log(`written: docs/${page} and docs/capacity/${kept}`);
    return 0;
  } catch (error) {
    console.error(error instanceof UnreadableResult ? error.message : error);
    return 1;
  }
}

function writePage(folder: string, found: Capacity): Promise<void> {
  return writeFile(join(folder, page), markdownOf(pageOf(found), ''));
}
