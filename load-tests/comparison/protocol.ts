import { join } from 'node:path';
import { runAudit } from '../lib/audit.ts';
import { openStack, type BenchStack } from '../lib/bench-stack.ts';
import { logIn, putLoad, runRace, type Target } from '../lib/load.ts';
import { describeMachine } from '../lib/machine.ts';
import { measureYardstick } from '../lib/protocol.ts';
import { untilQuiet } from '../lib/quiet.ts';
import { stepsOnStack, titleOf, type ComparedStack, type Step, type StepOnStack } from './plan.ts';
import type { Teller } from './progress.ts';
import { recordRun } from './recorded-run.ts';
import type { Comparison, StackResult } from './results.ts';

export interface Surroundings {
  /** For the data of the stacks; each stack gets a new folder in it. */
  scratch: string;
  /** Takes what k6 says of each run. */
  k6Folder: string;
  teller: Teller;
  /** Keeps what has been measured so far; called after each step. */
  keep: () => Promise<void>;
  signal: AbortSignal;
}

/** Measures one stack after the other and adds to `comparison` what it finds, step by step. Throws when broken off. */
export async function measureComparison(comparison: Comparison, around: Surroundings): Promise<void> {
  for (const stack of comparison.plan.stacks) {
    const result: StackResult = {
      stack,
      startedAt: new Date().toISOString(),
      machine: await describeMachine(),
      yardsticks: {},
      runs: [],
    };
    comparison.stacks.push(result);
    await measureStack(comparison, result, around);
  }
}

async function measureStack(comparison: Comparison, result: StackResult, around: Surroundings): Promise<void> {
  const { seconds } = comparison.plan;
  const begin = (step: Step) => around.teller.begin(`${result.stack}: ${titleOf(step, comparison.plan)}`);
  const yardstick = async (at: 'before' | 'after') => {
    begin({ does: 'yardstick', at });
    const { scratch: folder, signal } = around;
    result.yardsticks[at] = await measureYardstick(seconds.yardstickWarmUp, seconds.yardstick, { folder, signal });
    await around.keep();
  };
  await yardstick('before');
  await measureRunning(comparison, result, around, begin);
  await yardstick('after');
}

async function measureRunning(
  comparison: Comparison,
  result: StackResult,
  around: Surroundings,
  begin: (step: Step) => void,
): Promise<void> {
  begin({ does: 'start' });
  await using stack = await freshStack(result.stack, around);
  for (const step of stepsOnStack(comparison.plan)) {
    begin(step);
    await take(step, stack, comparison, result, around);
    await around.keep();
  }
}

async function freshStack(stack: ComparedStack, { scratch, teller, signal }: Surroundings): Promise<BenchStack> {
  const given = { stack, url: undefined, stackFile: undefined, cpuProfile: false };
  return openStack(given, join(scratch, stack), join(scratch, 'profiles'), signal, (line) => teller.say(line));
}

async function take(
  step: StepOnStack,
  stack: BenchStack,
  { plan }: Comparison,
  result: StackResult,
  { k6Folder, signal }: Surroundings,
): Promise<void> {
  const { seconds } = plan;
  const target: Target = { url: stack.url, stack: stack.stack, processes: stack.processes(), signal };
  const untilItRests = async () => {
    if (stack.own) await untilQuiet(stack.own, signal);
  };
  switch (step.does) {
    case 'log in':
      return logIn(target, Math.max(...plan.levels));
    case 'warm up':
      await putLoad(target, { name: 'warm-up', script: 'checkout.ts', vus: step.vus, seconds: seconds.warmUp });
      return untilItRests();
    case 'run': {
      const { vus, repeat } = step;
      const run = await recordRun(target, { vus, repeat, seconds: seconds.run, folder: k6Folder });
      result.runs.push(run);
      const endedAtMs = Date.now();
      await untilItRests();
      run.settledSeconds = (Date.now() - endedAtMs) / 1_000;
      return;
    }
    case 'race':
      result.race = await runRace(target, plan.race);
      return;
    case 'audit':
      result.audit = await runAudit(stack.stackFile, signal);
  }
}
