import { defaultStack, type StackName } from '@flash-sale/shared/stacks.ts';
import { optionsIn, stackChoices, stackNamed, UsageError } from '../../infra/command-line.ts';
import { positive, positives } from '../lib/args.ts';

export interface PairArguments {
  /** A folder, or a commit of this repository. */
  against: string;
  stack: StackName;
  /** Virtual users; each level is measured in each pair. */
  levels: number[];
  pairs: number;
  /** Of load per turn, and of the turn before the first pair, which does not count. */
  seconds: number;
  warmUpSeconds: number;
  quick: boolean;
  /** NAME=VALUE, for one side only. */
  settings: Record<'this' | 'that', string[]>;
}

const usualPairs = 5;
const usualSeconds = 15;
const usualWarmUpSeconds = 30;
const quickSeconds = 5;
const quickPairs = 2;

export const usage = `usage: npm run bench -- --against FOLDER|COMMIT [options]

Measures this tree and another in turns, and judges the ratio of the two turns of each pair.

  --against X            the other tree: a folder as it is ("." pairs this tree with itself), or a commit of this repository
  --stack NAME           which stack of both: ${stackChoices} (${defaultStack})
  --vus a,b              virtual users; each of several is measured in each pair (500)
  --pairs N              ${usualPairs} or more (${usualPairs})
  --seconds N            length of every turn (${usualSeconds})
  --this-set NAME=VALUE  a setting of the services of this tree only; may be given several times
  --that-set NAME=VALUE  the same for the other tree
  --quick                ${quickPairs} pairs of ${quickSeconds} s unless told otherwise: a look, no verdict about speed`;

const text = { type: 'string' } as const;
const several = { type: 'string', multiple: true } as const;

/** Whether a command line asks for pairs rather than for the benchmark of one stack. */
export const asksForPairs = (argv: string[]): boolean =>
  argv.some((argument) => argument === '--against' || argument.startsWith('--against='));

/** Throws UsageError for anything it does not know. */
export function parsePairArguments(argv: string[]): PairArguments {
  const values = optionsIn(argv, {
    against: text,
    stack: text,
    vus: text,
    pairs: text,
    seconds: text,
    'this-set': several,
    'that-set': several,
    quick: { type: 'boolean' },
  });
  const quick = values.quick ?? false;
  const pairs = positive('--pairs', values.pairs) ?? (quick ? quickPairs : usualPairs);
  if (pairs < usualPairs && !quick) {
    throw new UsageError(`--pairs is ${usualPairs} or more: fewer tell nothing (--quick takes a look at them)`);
  }
  if (!values.against) throw new UsageError('--against names a folder or a commit');
  const seconds = positive('--seconds', values.seconds) ?? (quick ? quickSeconds : usualSeconds);
  return {
    against: values.against,
    stack: stackNamed(values.stack),
    levels: positives('--vus', values.vus ?? '500'),
    pairs,
    seconds,
    warmUpSeconds: quick ? seconds : Math.max(seconds, usualWarmUpSeconds),
    quick,
    settings: {
      this: (values['this-set'] ?? []).map((one) => setting('--this-set', one)),
      that: (values['that-set'] ?? []).map((one) => setting('--that-set', one)),
    },
  };
}

/** Which settings there are, each tree's own `npm start` knows. */
function setting(option: string, value: string): string {
  if (!/^[A-Z][A-Z0-9_]*=/.test(value)) throw new UsageError(`${option} is NAME=VALUE, not "${value}"`);
  return value;
}
