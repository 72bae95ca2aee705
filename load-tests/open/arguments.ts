import { optionsIn, UsageError, wholeNumber } from '../../infra/command-line.ts';
import type { StackToOpen } from '../lib/bench-stack.ts';
import { address, flag, stackIn, stackOptions, stackUsage, text, wholeNumbers } from '../lib/options.ts';

export interface OpenArguments {
  /** An own stack, or a running one; its processes are unknown, unless its stack file is given too. */
  stack: StackToOpen;
  /** Arrivals, in percent of the capacity, ascending. */
  levels: number[];
  rounds: number;
  /** Of load, at each level. */
  seconds: number;
  warmUpSeconds: number;
}

const usualLevels = [25, 50, 75, 100, 125, 150];
const maxLevel = 1_000;
const usualRounds = 3;
const usualSeconds = 15;
const quickSeconds = 5;
const usualWarmUpSeconds = 30;

export const usage = `usage: npm run arrivals [-- options]

Shoppers who come whether or not the shop keeps up: what they meet below, at and beyond its capacity.

${stackUsage}
  --url URL            measure the stack that runs there instead of an own one
  --stack-file FILE    its run/stack.json, which names its processes
  --levels a,b         arrivals in percent of the capacity, ascending (${usualLevels.join(',')})
  --rounds N           how often the capacity and all levels are measured (${usualRounds})
  --seconds N          of load at every level (${usualSeconds})
  --quick              one round of ${quickSeconds} s unless told otherwise: a look, no figures`;

/** @throws UsageError for anything it does not know */
export function parseOpenArguments(argv: string[]): OpenArguments {
  const values = optionsIn(argv, {
    ...stackOptions,
    url: text,
    'stack-file': text,
    levels: text,
    rounds: text,
    seconds: text,
    quick: flag,
  });
  const quick = values.quick ?? false;
  const seconds = wholeNumber('--seconds', values.seconds) ?? (quick ? quickSeconds : usualSeconds);
  return {
    stack: { ...stackIn(values), url: address('--url', values.url), stackFile: values['stack-file'] },
    levels: values.levels === undefined ? usualLevels : levelsIn(values.levels),
    rounds: wholeNumber('--rounds', values.rounds) ?? (quick ? 1 : usualRounds),
    seconds,
    warmUpSeconds: quick ? seconds : Math.max(seconds, usualWarmUpSeconds),
  };
}

function levelsIn(given: string): number[] {
  const levels = wholeNumbers('--levels', given);
  if (levels.some((level, at) => level <= (levels[at - 1] ?? 0)))
    throw new UsageError(`--levels are ascending, not "${given}"`);
  if (levels.some((level) => level > maxLevel)) throw new UsageError(`--levels go up to ${maxLevel} %`);
  return levels;
}
