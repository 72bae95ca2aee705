// The benchmark: node load-tests/bench.ts [--quick | --against TREE]. What it measures and promises: load-tests/README.md
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { NotRunning } from '../infra/launcher/running-stack.ts';
import { asksForPairs, parseAgainstArguments, usage as againstUsage } from './against/arguments.ts';
import { againstTree } from './against/run.ts';
import { parseBenchArguments, usage, type BenchArguments } from './bench/arguments.ts';
import { measure, type Measurements } from './bench/phases.ts';
import { verdictReport } from './bench/report.ts';
import type { BenchResult } from './bench/results.ts';
import { judge } from './bench/targets.ts';
import { openStack } from './lib/bench-stack.ts';
import { describeMachine } from './lib/machine.ts';
import { nameOf } from './lib/options.ts';
import { runMeasurement, type Measurement } from './lib/run.ts';

await runMeasurement(
  asksForPairs(process.argv)
    ? againstTree(argumentsOrExit(parseAgainstArguments, againstUsage))
    : benchmark(argumentsOrExit(parseBenchArguments, usage)),
);

function benchmark(args: BenchArguments): Measurement {
  let about = { stack: nameOf(args.stack), url: '' };
  let found: Measurements | undefined;
  return {
    name: 'bench',
    expected: [NotRunning],
    measure: async (run) => {
      const machine = await describeMachine();
      run.say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, k6 ${machine.k6}`);
      const context = { ...run, folder: join(run.scratch, 'stack'), profiles: join(run.results, 'profiles') };
      await using stack = await openStack(args.stack, context);
      about = { stack: stack.name, url: stack.url };
      found = { machine };
      await measure(args, stack, run, found);
    },
    conclude: (run, failure) => {
      if (!found) return false;
      const measured = {
        startedAt: run.startedAt,
        ...about,
        ...found,
        ...(failure ? { brokenOff: failure.message } : {}),
      };
      const result: BenchResult = { ...measured, verdicts: judge(measured) };
      run.keep('bench.json', result);
      run.say(`\n${verdictReport(result.verdicts)}\n\nwritten to ${join(run.results, 'bench.json')}`);
      return !result.verdicts.some(({ met, aim }) => !met && !aim);
    },
  };
}
