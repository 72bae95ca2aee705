// Measures both stacks and writes a report: npm run compare [-- --quick]. How, and what the report says: load-tests/README.md
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { parseArguments, usage } from './comparison/arguments.ts';
import { keepComparison, readComparison } from './comparison/kept.ts';
import { fullPlan, quickPlan, secondsOf, stepsOf } from './comparison/plan.ts';
import { tellProgress } from './comparison/progress.ts';
import { measureComparison } from './comparison/protocol.ts';
import { publish } from './comparison/publish.ts';
import { reportOf } from './comparison/report.ts';
import type { Comparison } from './comparison/results.ts';
import { summaryOf } from './comparison/summary.ts';
import { writeReport } from './comparison/write-report.ts';
import { brokenOffBySignals } from './lib/break-off.ts';
import { resultsFolder } from './lib/results-folder.ts';

const repository = join(import.meta.dirname, '..');
const signal = brokenOffBySignals();
const args = argumentsOrExit(parseArguments, usage);

try {
  process.exitCode = args.publish === undefined ? await compare() : await publishFrom(args.publish);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
process.exit();

async function compare(): Promise<number> {
  const plan = args.quick ? quickPlan : fullPlan;
  const comparison: Comparison = { format: 1, startedAt: new Date().toISOString(), plan, stacks: [] };
  const results = resultsFolder(comparison.startedAt);
  const scratch = join(repository, '.local', `compare-${process.pid}`);
  const keep = () => keepComparison(results, comparison);
  try {
    using teller = tellProgress(
      process.stdout,
      plan.stacks.flatMap(() => stepsOf(plan).map((step) => secondsOf(step, plan))),
    );
    await measureComparison(comparison, { scratch, k6Folder: join(results, 'k6'), teller, keep, signal });
    comparison.finishedAt = new Date().toISOString();
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    comparison.brokenOff = reason instanceof Error ? reason.message : String(reason);
    console.error(signal.aborted ? comparison.brokenOff : error);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  await keep();
  return report(results, comparison);
}

async function report(results: string, comparison: Comparison): Promise<number> {
  const summary = summaryOf(comparison);
  const page = await writeReport(results, reportOf(comparison), summary);
  for (const { text } of summary.remarks) console.log(`! ${text}`);
  console.log(`\nreport: ${page}\nagain from what was measured: npm run report -- ${results}`);
  if (signal.aborted) return 130;
  return summary.remarks.some(({ isNote }) => !isNote) ? 1 : 0;
}

async function publishFrom(folder: string): Promise<number> {
  await publish(await readComparison(folder), repository);
  console.log('written: docs/comparison.md, docs/comparison/ and the table of README.md');
  return 0;
}
