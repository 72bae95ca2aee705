import { optionsIn, wholeNumber } from '../../infra/command-line.ts';
import { flag, stackIn, stackOptions, stackUsage, text, type StackChoice } from '../lib/options.ts';

export interface ReadsArguments {
  stack: StackChoice & { instances: number };
  /** Purchases a second. */
  rate: number;
  rounds: number;
  /** Of each load. */
  seconds: number;
}

const usual = { rate: 20, rounds: 5, seconds: 15 };
const quick = { rounds: 1, seconds: 5 };
const maxRate = 1_000;

export const usage = `usage: npm run reads [-- options]

What a replica of PostgreSQL takes from it: the same sale with it and without, in turns.

${stackUsage}
  --rate N             purchases a second, the same all the time (${usual.rate})
  --rounds N           how often all loads are put on both (${usual.rounds})
  --seconds N          of each load (${usual.seconds})
  --quick              one round of ${quick.seconds} s unless told otherwise: a look, no figures`;

/** @throws UsageError for anything it does not know */
export function parseReadsArguments(argv: string[]): ReadsArguments {
  const values = optionsIn(argv, { ...stackOptions, rate: text, rounds: text, seconds: text, quick: flag });
  const defaults = values.quick ? { ...usual, ...quick } : usual;
  return {
    stack: stackIn(values),
    rate: wholeNumber('--rate', values.rate, maxRate) ?? defaults.rate,
    rounds: wholeNumber('--rounds', values.rounds) ?? defaults.rounds,
    seconds: wholeNumber('--seconds', values.seconds) ?? defaults.seconds,
  };
}
