// The benchmark: node load-tests/bench.ts [--quick | --against TREE]. What it measures and promises: load-tests/README.md
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { NotRunning } from '../infra/launcher/running-stack.ts';
import { parseBenchArguments, usage, type BenchArguments } from './lib/args.ts';
import { openStack } from './lib/bench-stack.ts';
import { brokenOffBySignals, reasonOf } from './lib/break-off.ts';
import { describeMachine } from './lib/machine.ts';
import { measure, type Measurements } from './lib/protocol.ts';
import { verdictReport } from './lib/report.ts';
import type { BenchResult } from './lib/results.ts';
import { judge } from './lib/targets.ts';
import { resultsFolder } from './lib/results-folder.ts';
import { asksForPairs, parsePairArguments, usage as pairUsage } from './pairs/arguments.ts';
import { NoSuchTree } from './pairs/other-tree.ts';
import { runPairs } from './pairs/run.ts';
import { DidNotStart } from './pairs/running-tree.ts';

const signal = brokenOffBySignals();
const say = (text: string) => console.log(text);
const folder = join(import.meta.dirname, '..', '.local', `bench-${process.pid}`);

try {
  const passed = asksForPairs(process.argv)
    ? await runPairs(argumentsOrExit(parsePairArguments, pairUsage), { scratch: folder, say, signal })
    : await runBench(argumentsOrExit(parseBenchArguments, usage));
  process.exitCode = passed ? 0 : 1;
} catch (error) {
  const isForTheReader = [NotRunning, NoSuchTree, DidNotStart].some((kind) => error instanceof kind);
  console.error(signal.aborted ? String(signal.reason) : isForTheReader ? (error as Error).message : error);
  process.exitCode = signal.aborted ? 130 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit();

/** @returns whether every target was met */
async function runBench(args: BenchArguments): Promise<boolean> {
  const startedAt = new Date().toISOString();
  const results = resultsFolder(startedAt);
  const found: Measurements = {};
  const machine = await describeMachine();
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, k6 ${machine.k6}`);
  await using stack = await openStack(args, folder, join(results, 'profiles'), signal);
  let failure: Error | undefined;
  try {
    await measure(args, stack, { folder, say, signal }, found);
  } catch (error) {
    failure = reasonOf(error, signal);
  }
  const brokenOff = failure && { brokenOff: failure.message };
  const measured = { startedAt, stack: stack.stack, url: stack.url, machine, ...found, ...brokenOff };
  const verdicts = judge(measured);
  const result: BenchResult = { ...measured, verdicts };
  await mkdir(results, { recursive: true });
  await writeFile(join(results, 'bench.json'), JSON.stringify(result, null, 2) + '\n');
  say(`\n${verdictReport(verdicts)}\n\nwritten to ${join(results, 'bench.json')}`);
  if (failure) throw failure;
  return !verdicts.some(({ met, aim }) => !met && !aim);
}
