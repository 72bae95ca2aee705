import { join } from 'node:path';
import { runAudit } from '../lib/audit.ts';
import { rootsOf } from '../lib/bench-stack.ts';
import { putLoad, repeatedLogIns, type Target } from '../lib/load.ts';
import type { PairArguments } from './arguments.ts';
import { turnReport } from './report.ts';
import { untilAtRest } from './rest.ts';
import { sides, type PairResult, type Side, type Turn } from './results.ts';
import type { RunningTree } from './running-tree.ts';

export interface Surroundings {
  say: (text: string) => void;
  /** Keeps what has been measured so far; called after each turn. */
  keep: () => void;
  signal: AbortSignal;
}

/**
 * The turns in their order: A B, B A, A B … A machine that grows slower all the while takes from each side alike, and so does what
 * a stack that has just worked still does at rest. The levels of a pair follow each other.
 */
export function turnsOf({ pairs, levels }: { pairs: number; levels: number[] }): Pick<Turn, 'pair' | 'vus' | 'side'>[] {
  return Array.from({ length: pairs }, (_, at) => at + 1).flatMap((pair) => {
    const order: readonly Side[] = pair % 2 === 1 ? sides : sides.toReversed();
    return levels.flatMap((vus) => order.map((side) => ({ pair, vus, side })));
  });
}

/**
 * Warms both stacks up, takes the turns and adds to `result` what it finds, turn by turn. Throws when broken off.
 *
 * Both stacks run all the time, and the one whose turn it is not is at rest. What its timers take is the same for both sides.
 * It is not frozen meanwhile: a launcher may take a process that hangs for dead and kill it, connections and leases would run out,
 * and the first second after the thaw would be spent on making up for them.
 */
export async function measurePairs(
  result: PairResult,
  { levels, pairs, seconds, warmUpSeconds }: PairArguments,
  trees: Record<Side, RunningTree>,
  { say, keep, signal }: Surroundings,
): Promise<void> {
  const target = (side: Side): Target => {
    const { url, stack, processes } = trees[side].now();
    return { url, stack, processes: rootsOf(processes), signal };
  };
  const settledSeconds = async (side: Side) => {
    const fromMs = Date.now();
    await untilAtRest(trees[side].now(), signal);
    return (Date.now() - fromMs) / 1_000;
  };
  const vus = Math.max(...levels);
  const logIn = repeatedLogIns(vus, say);
  const logInBoth = () => logIn(...sides.map(target));

  await logInBoth();
  for (const side of sides) {
    say(`${side} tree: warming up for ${warmUpSeconds} s`);
    await putLoad(target(side), { name: 'warm-up', script: 'checkout.ts', vus, seconds: warmUpSeconds });
    await settledSeconds(side);
  }
  for (const planned of turnsOf({ pairs, levels })) {
    const begins = result.turns.length % sides.length === 0;
    if (begins) await logInBoth();
    const name = `${planned.vus} shoppers × ${seconds} s`;
    const load = await putLoad(target(planned.side), { name, script: 'checkout.ts', vus: planned.vus, seconds });
    const turn = { ...planned, load, settledSeconds: await settledSeconds(planned.side) };
    result.turns.push(turn);
    say(turnReport(turn));
    keep();
  }
  say('audit');
  result.audit = await runAudit(join(trees.this.now().dataDir, 'run', 'stack.json'), signal);
}
