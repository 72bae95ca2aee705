import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAudit } from '../lib/audit.ts';
import { openStack, type BenchStack } from '../lib/bench-stack.ts';
import { logIn, putLoad, runRace, type Target } from '../lib/load.ts';
import { describeMachine } from '../lib/machine.ts';
import { betweenPhasesMs, measureYardstick } from '../lib/protocol.ts';
import { stepsOf, titleOf, type StackName, type Step } from './plan.ts';
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
  const { plan } = comparison;
  const [start, ...steps] = stepsOf(plan);
  if (start) around.teller.begin(`${result.stack}: ${titleOf(start, plan)}`);
  await using stack = await freshStack(result.stack, around);
  for (const step of steps) {
    around.teller.begin(`${result.stack}: ${titleOf(step, plan)}`);
    await take(step, stack, comparison, result, around);
    await around.keep();
  }
}

async function freshStack(stack: StackName, { scratch, teller, signal }: Surroundings): Promise<BenchStack> {
  const given = { stack, url: undefined, stackFile: undefined, cpuProfile: false };
  return openStack(given, join(scratch, stack), join(scratch, 'profiles'), signal, (line) => teller.say(line));
}

async function take(
  step: Step,
  stack: BenchStack,
  { plan }: Comparison,
  result: StackResult,
  { scratch, k6Folder, signal }: Surroundings,
): Promise<void> {
  const { seconds } = plan;
  const target: Target = { url: stack.url, stack: stack.stack, processes: stack.processes(), signal };
  switch (step.does) {
    case 'start':
      return;
    case 'yardstick': {
      const around = { folder: scratch, signal };
      result.yardsticks[step.at] = await measureYardstick(seconds.yardstickWarmUp, seconds.yardstick, around);
      return;
    }
    case 'log in':
      return logIn(target, Math.max(...plan.levels));
    case 'warm up':
      await putLoad(target, { name: 'warm-up', script: 'checkout.ts', vus: step.vus, seconds: seconds.warmUp });
      return;
    case 'run': {
      await sleep(betweenPhasesMs, undefined, { signal }); // the stack ends what it still has to do
      const { vus, repeat } = step;
      result.runs.push(await recordRun(target, { vus, repeat, seconds: seconds.run, folder: k6Folder }));
      return;
    }
    case 'race':
      result.race = await runRace(target, plan.race);
      return;
    case 'audit':
      result.audit = await runAudit(stack.stackFile);
  }
}
