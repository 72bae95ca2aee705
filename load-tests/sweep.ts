// Levels of load over ten endpoints, judged: node load-tests/sweep.ts [--quick]. What it says and promises: load-tests/README.md
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { NotRunning } from '../infra/launcher/running-stack.ts';
import { openStack } from './lib/bench-stack.ts';
import { UnreadableResult } from './lib/kept.ts';
import { describeMachine } from './lib/machine.ts';
import { runMeasurement, type MeasuringRun } from './lib/run.ts';
import { htmlOf } from './report/html.ts';
import { markdownOf } from './report/markdown.ts';
import { writeCharts } from './report/write-report.ts';
import { analyse } from './sweep/analysis.ts';
import { parseSweepArguments, usage } from './sweep/arguments.ts';
import { measureLevels } from './sweep/measure.ts';
import { reportOf } from './sweep/report.ts';
import { fileName, readResult, type SweepResult } from './sweep/results.ts';

const args = argumentsOrExit(parseSweepArguments, usage);
let result: SweepResult | undefined;

if (args.from !== undefined) process.exit(await reportAgain(args.from));
await runMeasurement({ name: 'sweep', measure: sweep, conclude, expected: [NotRunning] });

async function sweep(run: MeasuringRun): Promise<void> {
  const machine = await describeMachine();
  const context = { ...run, folder: join(run.scratch, 'stack'), profiles: run.results };
  await using stack = await openStack(args.stack, context);
  const sweeping: SweepResult = {
    startedAt: run.startedAt,
    stack: stack.name,
    url: stack.url,
    quick: args.quick,
    machine,
    plannedVus: args.levels,
    levels: [],
    failures: [],
    audit: 'the sweep did not come to it',
  };
  result = sweeping;
  await measureLevels(sweeping, args, stack, { ...run, keep: () => run.keep(fileName, sweeping) });
  sweeping.finishedAt = new Date().toISOString();
}

async function conclude(run: MeasuringRun, failure: Error | undefined): Promise<boolean> {
  if (!result) return false;
  if (failure) result.brokenOff = failure.message;
  run.keep(fileName, result);
  return report(run.results, result);
}

/** Writes and says what the figures show. @returns whether every promise was measured and kept */
async function report(folder: string, measured: SweepResult): Promise<boolean> {
  const analysis = analyse(measured);
  const document = reportOf(measured, analysis);
  const text = markdownOf(document, 'charts');
  await writeCharts(join(folder, 'charts'), document);
  await writeFile(join(folder, 'sweep.md'), text);
  await writeFile(join(folder, 'sweep.html'), htmlOf(document));
  console.log(`\n${text}\nwritten to ${folder}`);
  console.log(analysis.kept ? 'every promise was measured and kept' : 'not every promise was measured and kept');
  return analysis.kept;
}

async function reportAgain(folder: string): Promise<number> {
  try {
    return (await report(folder, await readResult(folder))) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof UnreadableResult ? error.message : error);
    return 1;
  }
}
