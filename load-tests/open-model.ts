// What shoppers meet who come whether or not the shop keeps up: npm run arrivals. What it measures and promises: load-tests/README.md
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { NotRunning } from '../infra/launcher/running-stack.ts';
import { verdictReport } from './bench/report.ts';
import { openStack } from './lib/bench-stack.ts';
import { describeMachine } from './lib/machine.ts';
import { runMeasurement, type MeasuringRun } from './lib/run.ts';
import { parseOpenArguments, usage } from './open/arguments.ts';
import { judgeOpen } from './open/judge.ts';
import { measureOpen } from './open/measure.ts';
import { openReport } from './open/report.ts';
import type { OpenResult } from './open/results.ts';

const fileName = 'arrivals.json';
const args = argumentsOrExit(parseOpenArguments, usage);
let result: OpenResult | undefined;

await runMeasurement({ name: 'arrivals', measure, conclude, expected: [NotRunning] });

async function measure(run: MeasuringRun): Promise<void> {
  const machine = await describeMachine();
  const context = { ...run, folder: join(run.scratch, 'stack'), profiles: run.results };
  await using stack = await openStack(args.stack, context);
  const { startedAt } = run;
  const about = { startedAt, stack: stack.name, url: stack.url, machine, plannedLevels: args.levels };
  const measuring: OpenResult = { ...about, capacities: [], levels: [] };
  result = measuring;
  await measureOpen(args, stack, { ...run, keep: () => run.keep(fileName, measuring) }, measuring);
  measuring.finishedAt = new Date().toISOString();
}

function conclude(run: MeasuringRun, failure: Error | undefined): boolean {
  if (!result) return false;
  if (failure) result.brokenOff = failure.message;
  const verdicts = judgeOpen(result);
  run.keep(fileName, { ...result, verdicts });
  run.say(`\n${openReport(result)}\n\n${verdictReport(verdicts)}\n\nwritten to ${join(run.results, fileName)}`);
  return verdicts.every(({ met }) => met);
}
