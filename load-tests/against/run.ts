import { join } from 'node:path';
import { runAudit } from '../lib/audit.ts';
import { commitOf, describeMachine } from '../lib/machine.ts';
import { untilAtRest } from '../lib/rest.ts';
import type { MeasuringRun, Measurement } from '../lib/run.ts';
import { processTreesOf } from '../lib/usage.ts';
import { loadOf, takeTurns, WarmUp } from '../turns/protocol.ts';
import { Standing, type RunningSide, type Side as SideInTurns } from '../turns/side.ts';
import type { AgainstArguments } from './arguments.ts';
import { compare, problemsOf } from './judge.ts';
import { NoSuchTree, openTree } from './other-tree.ts';
import { againstReport } from './report.ts';
import type { AgainstResult, Side } from './results.ts';
import { DidNotStart, startTree } from './running-tree.ts';

const repository = join(import.meta.dirname, '../..');
const fileName = 'pairs.json';

/**
 * Pairs this tree with another, says what it finds and keeps it as pairs.json. All is well when this tree is fit: nothing failed,
 * its audit passed, and it is not slower.
 */
export function againstTree(args: AgainstArguments): Measurement {
  let result: AgainstResult | undefined;
  return {
    name: 'bench',
    expected: [NoSuchTree, DidNotStart],
    measure: async (run) => {
      await using other = await openTree(args.against, {
        repository,
        checkout: join(run.scratch, 'tree'),
        signal: run.signal,
      });
      result = await newResult(args, run, other.folder);
      await measurePairs(args, result, other.folder, run);
      result.finishedAt = new Date().toISOString();
    },
    conclude: (run, failure) => {
      if (!result) return false;
      if (failure) result.brokenOff = failure.message;
      keep(result, run);
      run.say(`\n${againstReport(result)}\n\nwritten to ${join(run.results, fileName)}`);
      return result.problems.length === 0;
    },
  };
}

async function newResult(
  { stack: { stack, layout }, turns, quick, settings }: AgainstArguments,
  { startedAt }: MeasuringRun,
  otherFolder: string,
): Promise<AgainstResult> {
  const { levels, rounds: pairs, seconds } = turns;
  const about = async (side: Side, folder: string) => ({ commit: await commitOf(folder), settings: settings[side] });
  return {
    startedAt,
    stack,
    layout,
    quick,
    planned: { levels, pairs, seconds },
    machine: await describeMachine(),
    sides: { this: await about('this', repository), that: await about('that', otherFolder) },
    turns: [],
    audit: 'it did not come to it',
    compared: [],
    problems: [],
  };
}

function keep(result: AgainstResult, run: MeasuringRun): void {
  result.compared = compare(result.planned.levels, result.turns, result.machine.cores);
  result.problems = problemsOf(result);
  run.keep(fileName, result);
}

async function measurePairs(
  { stack, turns, settings }: AgainstArguments,
  result: AgainstResult,
  otherFolder: string,
  run: MeasuringRun,
): Promise<void> {
  const { scratch, say, signal } = run;
  const folders = { this: repository, that: otherFolder };
  const sideOf = (name: Side): SideInTurns<RunningTreeSide> => ({
    name,
    script: 'checkout.ts',
    logsIn: true,
    open: async () => {
      const tree = { name, folder: folders[name], dataDir: join(scratch, name), stack, settings: settings[name] };
      const running = await startTree({ ...tree, say, signal });
      return {
        target: () => {
          const { url, stack, processes } = running.now();
          return { url, stack, processes: processTreesOf(processes), signal };
        },
        untilAtRest: () => untilAtRest(running.now(), signal),
        stackFile: () => join(running.now().dataDir, 'run', 'stack.json'),
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
  });
  const ours = sideOf('this');
  const warmUp = new WarmUp(turns, say);
  await using standing = new Standing<RunningTreeSide>((side, running) => warmUp.opened(side, running));
  const onTurn = (turn: AgainstResult['turns'][number]) => {
    result.turns.push(turn);
    keep(result, run);
  };
  await takeTurns(turns, [ours, sideOf('that')], standing, warmUp, { say, onTurn, measure: loadOf });
  say('audit');
  result.audit = await runAudit((await standing.use(ours)).stackFile(), signal);
}

interface RunningTreeSide extends RunningSide {
  stackFile: () => string;
}
