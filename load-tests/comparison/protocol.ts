import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAudit } from '../lib/audit.ts';
import { sideOf, type BenchStack } from '../lib/bench-stack.ts';
import { putLoad, runCrowd, runRace } from '../lib/load.ts';
import { describeMachine } from '../lib/machine.ts';
import { choiceNamed, usualInstances } from '../lib/options.ts';
import type { LoadResult } from '../lib/results.ts';
import type { MeasuringRun } from '../lib/run.ts';
import { measureAtRest } from '../lib/usage.ts';
import { takeTurns, WarmUp } from '../turns/protocol.ts';
import type { Turn } from '../turns/results.ts';
import { Standing, type RunningSide, type Side } from '../turns/side.ts';
import { openYardstick } from '../yardstick/start.ts';
import { inTheEnd, restOf, titleOf, turnPlanOf, type Step } from './plan.ts';
import type { ProgressReporter } from './progress.ts';
import { recordRun, withoutNeighbours } from './recorded-run.ts';
import { resultOf, type Comparison, type Run, type StackResult } from './results.ts';

export interface ComparisonContext extends Pick<MeasuringRun, 'scratch' | 'results' | 'signal'> {
  progress: ProgressReporter;
  /** Keeps what has been measured so far; called after each step. */
  keep: () => Promise<void>;
}

type AnySide = Side<BenchStack | RunningSide>;

/** Takes the steps of the plan and adds to `comparison` what it finds, step by step. Throws when aborted. */
export async function measureComparison(comparison: Comparison, context: ComparisonContext): Promise<void> {
  const { plan } = comparison;
  const { scratch, signal, progress } = context;
  const begin = (step: Step) => progress.begin(titleOf(step, plan));
  const yardstick: AnySide = {
    name: 'yardstick',
    open: () => openYardstick(join(scratch, 'yardstick'), signal),
    script: 'yardstick/yardstick.ts',
    logsIn: false,
    isYardstick: true,
  };
  const sides = plan.stacks.map((name) => stackSide(name, context, begin));
  const turnPlan = turnPlanOf(plan);
  const warmUp = new WarmUp(turnPlan, () => undefined);
  let takingTurns = true;
  await using standing = new Standing<BenchStack | RunningSide>(async (side, running) => {
    if (!side.isYardstick) await lookAfterFirstStart(side.name, running, comparison, context, begin);
    if (!side.isYardstick && takingTurns) begin({ does: 'warm up', stack: side.name });
    if (takingTurns) await warmUp.opened(side, running);
  });

  await takeTurns<BenchStack | RunningSide, Run | LoadResult>(turnPlan, [yardstick, ...sides], standing, warmUp, {
    say: () => undefined,
    begin: ({ pair: repeat, vus, side }) =>
      begin(side.isYardstick ? { does: 'yardstick', repeat } : { does: 'run', stack: side.name, vus, repeat }),
    measure: ({ pair, vus, side }, target, seconds) =>
      side.isYardstick
        ? putLoad(target, { name: `yardstick, ${vus} VUs`, script: side.script, vus, seconds: plan.seconds.yardstick })
        : recordRun(target, { vus, seconds, repeat: pair, folder: join(context.results, 'k6') }),
    onTurn: async (turn) => {
      add(turn, comparison);
      await context.keep();
    },
  });
  takingTurns = false;
  for (const side of inTheEnd(standing.sides, sides)) {
    const stack = (await standing.use(side)) as BenchStack;
    const result = resultOf(comparison, side.name)!;
    begin({ does: 'race', stack: side.name });
    result.race = await runRace(stack.target(), plan.race);
    begin({ does: 'audit', stack: side.name });
    result.audit = await runAudit(stack.stackFile, signal);
    await context.keep();
  }
}

function stackSide(name: string, context: ComparisonContext, begin: (step: Step) => void): AnySide {
  const { scratch, results, signal, progress } = context;
  const folder = join(scratch, name.replace(':', '-'));
  const about = { ...choiceNamed(name), instances: usualInstances };
  const side = sideOf(about, { folder, profiles: results, say: (line) => progress.say(line), signal });
  return {
    ...side,
    open: () => {
      begin({ does: 'start', stack: name });
      return side.open();
    },
  };
}

/** What is measured of a stack is kept from its first start on. */
async function lookAfterFirstStart(
  stack: string,
  running: RunningSide,
  comparison: Comparison,
  { signal, keep }: ComparisonContext,
  begin: (step: Step) => void,
): Promise<void> {
  if (resultOf(comparison, stack)) return;
  begin({ does: 'rest', stack });
  const { settleSeconds, lookSeconds } = restOf(comparison.plan);
  const result: StackResult = {
    stack,
    startedAt: new Date().toISOString(),
    machine: await describeMachine(),
    yardsticks: {},
    runs: [],
  };
  comparison.stacks.push(result);
  await sleep(settleSeconds * 1_000, undefined, { signal });
  result.atRest = await measureAtRest(running.target().processes, lookSeconds, signal);
  const { crowd } = comparison.plan;
  if (crowd) {
    begin({ does: 'crowd', stack });
    result.crowd = await runCrowd(running.target(), crowd.shoppers);
    await running.untilAtRest();
  }
  await keep();
}

function add({ side, pair, load, settledSeconds, beside }: Turn<Run | LoadResult>, comparison: Comparison): void {
  const result = resultOf(comparison, side);
  if (!result) (comparison.yardsticks ??= []).push({ ...load, repeat: pair });
  else result.runs.push(withoutNeighbours({ ...(load as Run), settledSeconds, beside }, result.machine.cores));
}
