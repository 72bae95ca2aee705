import { optionsIn, UsageError, wholeNumber } from '../../infra/command-line.ts';
import type { StackToOpen } from '../lib/bench-stack.ts';
import { address, flag, stackIn, stackOptions, stackUsage, text, wholeNumbers } from '../lib/options.ts';

export interface SweepArguments {
  /** An own stack, or a running one; its processes are unknown, unless its stack file is given too. */
  stack: StackToOpen;
  /** Virtual users per level, ascending. */
  levels: number[];
  /** Of load per level; undefined means the usual length of each. */
  seconds: number | undefined;
  quick: boolean;
  /** A folder with a result to judge again, instead of measuring. */
  from: string | undefined;
}

const usualLevels = [10, 50, 100, 250, 500, 1_000];
const maxVus = 20_000;

export const usage = `usage: npm run sweep [-- options]

${stackUsage}
  --url URL            measure the stack that runs there instead of an own one
  --stack-file FILE    its run/stack.json, which names its processes
  --levels a,b         virtual users, ascending (${usualLevels.join(',')})
  --seconds N          length of every level (30; at least one second per 40 virtual users)
  --quick              levels of 7 seconds and longer: under three minutes
  --from DIR           measure nothing: judge the sweep.json of that folder again`;

/** @throws UsageError for anything it does not know */
export function parseSweepArguments(argv: string[]): SweepArguments {
  const values = optionsIn(argv, {
    ...stackOptions,
    url: text,
    'stack-file': text,
    levels: text,
    seconds: text,
    quick: flag,
    from: text,
  });
  if (values.from !== undefined && Object.keys(values).length > 1) throw new UsageError('--from goes alone');
  return {
    stack: { ...stackIn(values), url: address('--url', values.url), stackFile: values['stack-file'] },
    levels: values.levels === undefined ? usualLevels : parseLevels(values.levels),
    seconds: wholeNumber('--seconds', values.seconds),
    quick: values.quick ?? false,
    from: values.from,
  };
}

/** Seconds of load for a level. A large crowd needs longer until each of its shoppers has come to the last of ten steps. */
export function secondsOf(vus: number, { seconds, quick }: Pick<SweepArguments, 'seconds' | 'quick'>): number {
  return seconds ?? Math.max(quick ? 7 : 30, Math.ceil(vus / 40));
}

function parseLevels(text: string): number[] {
  const levels = wholeNumbers('--levels', text);
  const ascending = levels.every((level, at) => at === 0 || level > (levels[at - 1] ?? 0));
  if (!ascending) throw new UsageError(`--levels are ascending, not "${text}"`);
  if (levels.some((level) => level > maxVus)) throw new UsageError(`--levels go up to ${maxVus}`);
  return levels;
}
