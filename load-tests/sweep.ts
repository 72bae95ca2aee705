// Levels of load over ten endpoints, judged: node load-tests/sweep.ts [--quick]. What it says and promises: load-tests/README.md
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { NotRunning } from '../infra/launcher/running-stack.ts';
import { htmlOf } from './comparison/html.ts';
import { markdownOf } from './comparison/markdown.ts';
import { writeCharts } from './comparison/write-report.ts';
import { openStack } from './lib/bench-stack.ts';
import { brokenOffBySignals } from './lib/break-off.ts';
import { describeMachine } from './lib/machine.ts';
import { analyse } from './sweep/analysis.ts';
import { parseSweepArguments, usage } from './sweep/arguments.ts';
import { measureLevels } from './sweep/measure.ts';
import { reportOf } from './sweep/report.ts';
import { readResult, UnreadableResult, writeResult, type SweepResult } from './sweep/results.ts';
import { resultsFolder } from './lib/results-folder.ts';

const signal = brokenOffBySignals();
const say = (text: string) => console.log(text);
const args = argumentsOrExit(parseSweepArguments, usage);

try {
  process.exitCode = args.from === undefined ? await sweep() : await report(args.from, await readResult(args.from));
} catch (error) {
  const isForTheReader = error instanceof UnreadableResult || error instanceof NotRunning;
  console.error(signal.aborted ? String(signal.reason) : isForTheReader ? error.message : error);
  process.exitCode = signal.aborted ? 130 : 1;
}
process.exit();

async function sweep(): Promise<number> {
  const startedAt = new Date().toISOString();
  const results = resultsFolder(startedAt);
  const scratch = join(import.meta.dirname, '..', '.local', `sweep-${process.pid}`);
  const result: SweepResult = {
    startedAt,
    stack: args.stack,
    url: args.url ?? '',
    quick: args.quick,
    machine: await describeMachine(),
    plannedVus: args.levels,
    levels: [],
    failures: [],
    audit: 'the sweep did not come to it',
  };
  const keep = async () => {
    await mkdir(results, { recursive: true });
    await writeResult(results, result);
  };
  try {
    await using stack = await openStack({ ...args, cpuProfile: false }, scratch, results, signal);
    Object.assign(result, { stack: stack.stack, url: stack.url });
    await measureLevels(result, args, stack, { say, keep, signal });
    result.finishedAt = new Date().toISOString();
  } catch (error) {
    if (error instanceof NotRunning) throw error;
    result.brokenOff = error instanceof Error ? error.message : String(error);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  await keep();
  const code = await report(results, result);
  return signal.aborted ? 130 : code;
}

/** Writes and says what the figures show. */
async function report(folder: string, result: SweepResult): Promise<number> {
  const analysis = analyse(result);
  const document = reportOf(result, analysis);
  const text = markdownOf(document, 'charts');
  await writeCharts(join(folder, 'charts'), document);
  await writeFile(join(folder, 'sweep.md'), text);
  await writeFile(join(folder, 'sweep.html'), htmlOf(document));
  say(`\n${text}\nwritten to ${folder}`);
  say(analysis.kept ? 'every promise was measured and kept' : 'not every promise was measured and kept');
  return analysis.kept ? 0 : 1;
}
