// Measures stacks in turns and writes a report: npm run compare [-- --quick]. How, and what the report says: load-tests/README.md
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { parseArguments, usage } from './comparison/arguments.ts';
import { keepComparison, readComparison } from './comparison/kept.ts';
import { expectedSeconds, secondsOf, stepsOf } from './comparison/plan.ts';
import { reportProgress, timeLeft } from './comparison/progress.ts';
import { measureComparison } from './comparison/protocol.ts';
import { publish } from './comparison/publish.ts';
import { reportOf } from './comparison/report.ts';
import type { Comparison } from './comparison/results.ts';
import { summaryOf } from './comparison/summary.ts';
import { runMeasurement, type MeasuringRun } from './lib/run.ts';
import { writeReport } from './report/write-report.ts';

const args = argumentsOrExit(parseArguments, usage);
const { plan } = args;
const comparison: Comparison = { format: 1, startedAt: '', plan, stacks: [] };

if (args.publish !== undefined) process.exit(await publishFrom(args.publish));
await runMeasurement({ name: 'compare', measure: compare, conclude: report });

async function compare(run: MeasuringRun): Promise<void> {
  comparison.startedAt = run.startedAt;
  run.say(`${plan.stacks.join(', ')}: about ${timeLeft(expectedSeconds(plan))}`);
  using progress = reportProgress(
    process.stdout,
    stepsOf(plan).map((step) => secondsOf(step, plan)),
  );
  await measureComparison(comparison, { ...run, progress, keep: () => keepComparison(run.results, comparison) });
  comparison.finishedAt = new Date().toISOString();
}

async function report({ results }: MeasuringRun, failure: Error | undefined): Promise<boolean> {
  if (failure) comparison.brokenOff = failure.message;
  await keepComparison(results, comparison);
  const summary = summaryOf(comparison);
  const page = await writeReport(results, reportOf(comparison), summary);
  for (const { text } of summary.remarks) console.log(`! ${text}`);
  console.log(`\nreport: ${page}\nagain from what was measured: npm run report -- ${results}`);
  return !summary.remarks.some(({ isNote }) => !isNote);
}

async function publishFrom(folder: string): Promise<number> {
  try {
    await publish(await readComparison(folder), join(import.meta.dirname, '..'));
    console.log('written: docs/comparison.md, docs/comparison/ and the table of README.md');
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}
