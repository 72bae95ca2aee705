import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../infra/launcher/whole-file.ts';
import { reasonOf } from '../lib/break-off.ts';
import { commitOf, describeMachine } from '../lib/machine.ts';
import { resultsFolder } from '../lib/results-folder.ts';
import type { PairArguments } from './arguments.ts';
import { compare, problemsOf } from './judge.ts';
import { openTree } from './other-tree.ts';
import { measurePairs } from './protocol.ts';
import { pairReport } from './report.ts';
import type { PairResult, Side } from './results.ts';
import { startTree } from './running-tree.ts';

const repository = join(import.meta.dirname, '../..');

/**
 * Pairs this tree with another, says what it finds and keeps it as pairs.json.
 * @returns whether this tree is fit: nothing failed, its audit passed, and it is not slower
 * @throws NoSuchTree, or what kept it from its end, when that much is said and kept
 */
export async function runPairs(
  args: PairArguments,
  { scratch, say, signal }: { scratch: string; say: (text: string) => void; signal: AbortSignal },
): Promise<boolean> {
  await using other = await openTree(args.against, { repository, checkout: join(scratch, 'tree'), signal });
  const { stack, quick, levels, pairs, seconds, settings } = args;
  const sideOf = async (side: Side, folder: string) => ({ commit: await commitOf(folder), settings: settings[side] });
  const result: PairResult = {
    startedAt: new Date().toISOString(),
    stack,
    quick,
    planned: { levels, pairs, seconds },
    machine: await describeMachine(),
    sides: { this: await sideOf('this', repository), that: await sideOf('that', other.folder) },
    turns: [],
    audit: 'it did not come to it',
    compared: [],
    problems: [],
  };
  const results = resultsFolder(result.startedAt);
  await mkdir(results, { recursive: true });
  const file = join(results, 'pairs.json');
  const keep = () => {
    result.compared = compare(levels, result.turns);
    result.problems = problemsOf(result);
    writeWhole(file, result, 0o644);
  };
  const start = (name: Side, folder: string) =>
    startTree({ name, folder, dataDir: join(scratch, name), stack, settings: settings[name], say, signal });

  let failure: Error | undefined;
  try {
    await using ours = await start('this', repository);
    await using theirs = await start('that', other.folder);
    await measurePairs(result, args, { this: ours, that: theirs }, { say, keep, signal });
    result.finishedAt = new Date().toISOString();
  } catch (error) {
    failure = reasonOf(error, signal);
    result.brokenOff = failure.message;
  }
  keep();
  say(`\n${pairReport(result)}\n\nwritten to ${file}`);
  if (failure) throw failure;
  return result.problems.length === 0;
}
