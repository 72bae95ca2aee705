import { optionsIn, UsageError } from '../../infra/command-line.ts';
import { text } from '../lib/options.ts';
import { faultKinds, type FaultKind } from './faults.ts';

export interface HealArguments {
  /** The run/stack.json of the stack to break; undefined means the one that `npm start` runs. */
  stackFile: string | undefined;
  kinds: readonly FaultKind[];
  /** A file for the figures as JSON. */
  json: string | undefined;
}

export const usage = `usage: npm run heal [-- options]

Breaks the running stack, one fault after the other, and measures how long shoppers notice. For a stack of no worth only.

  --stack-file FILE  its run/stack.json; without it, the stack that npm start runs
  --only a,b         kinds of fault: ${faultKinds.join(', ')}
  --json FILE        the figures as JSON`;

/** @throws UsageError */
export function parseHealArguments(argv: string[]): HealArguments {
  const values = optionsIn(argv, { 'stack-file': text, only: text, json: text });
  const kinds = values.only?.split(',').map(kindNamed) ?? faultKinds;
  return { stackFile: values['stack-file'], kinds, json: values.json };
}

function kindNamed(name: string): FaultKind {
  const found = faultKinds.find((kind) => kind === name.trim());
  if (!found) throw new UsageError(`--only knows ${faultKinds.join(', ')}, not "${name}"`);
  return found;
}
