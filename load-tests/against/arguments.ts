import { optionsIn, UsageError } from '../../infra/command-line.ts';
import { countedBounds } from '../../test-kit/stack/load-settings.ts';
import {
  flag,
  several,
  stackIn,
  stackOptions,
  stackUsage,
  text,
  turnOptions,
  turnsIn,
  turnUsage,
} from '../lib/options.ts';
import type { StackChoice, TurnPlan } from '../lib/options.ts';

export interface AgainstArguments {
  /** A folder, or a commit of this repository. */
  against: string;
  /** Of both trees. */
  stack: StackChoice & { instances: number };
  turns: TurnPlan;
  quick: boolean;
  /** NAME=VALUE, for one side only. */
  settings: Record<'this' | 'that', string[]>;
}

const usualLevels = [500];

export const usage = `usage: npm run bench -- --against FOLDER|COMMIT [options]

Measures this tree and another in turns, and judges the ratio of the two turns of each pair.

  --against X          the other tree: a folder as it is ("." pairs this tree with itself), or a commit of this repository
${stackUsage}
${turnUsage(usualLevels)}
  --this-set NAME=V    a setting of the services of this tree only; may be given several times
  --that-set NAME=V    the same for the other tree
  --this-counts        bounds and rate limits of this tree count everybody, this machine too, and refuse nobody`;

/** Whether a command line asks for another tree rather than for the limit. */
export const asksForPairs = (argv: string[]): boolean =>
  argv.some((argument) => argument === '--against' || argument.startsWith('--against='));

/** @throws UsageError for anything it does not know */
export function parseAgainstArguments(argv: string[]): AgainstArguments {
  const values = optionsIn(argv, {
    ...stackOptions,
    ...turnOptions,
    against: text,
    'this-set': several,
    'that-set': several,
    'this-counts': flag,
  });
  const turns = turnsIn(values, usualLevels);
  if (!values.against) throw new UsageError('--against names a folder or a commit');
  return {
    against: values.against,
    stack: stackIn(values),
    turns,
    quick: values.quick ?? false,
    settings: {
      this: [
        ...(values['this-counts'] ? Object.entries(countedBounds).map(([name, value]) => `${name}=${value}`) : []),
        ...(values['this-set'] ?? []).map((one) => setting('--this-set', one)),
      ],
      that: (values['that-set'] ?? []).map((one) => setting('--that-set', one)),
    },
  };
}

/** Which settings there are, each tree's own `npm start` knows. */
function setting(option: string, value: string): string {
  if (!/^[A-Z][A-Z0-9_]*=/.test(value)) throw new UsageError(`${option} is NAME=VALUE, not "${value}"`);
  return value;
}
