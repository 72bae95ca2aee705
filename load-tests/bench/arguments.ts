import { stackNames, stacks } from '@flash-sale/shared/stacks.ts';
import { optionsIn, UsageError, wholeNumber } from '../../infra/command-line.ts';
import type { StackToOpen } from '../lib/bench-stack.ts';
import {
  address,
  flag,
  nameOf,
  stackIn,
  stackOptions,
  stackUsage,
  text,
  turnOptions,
  turnsIn,
  turnUsage,
  usualPairs,
  type StackChoice,
  type TurnPlan,
} from '../lib/options.ts';

export const phases = ['idle', 'pairs', 'one', 'accepted', 'open', 'race', 'backlog', 'audit'] as const;
export type Phase = (typeof phases)[number];
/** Without a broker there is nothing of the kind. */
const ofBroker: readonly Phase[] = ['accepted', 'backlog'];
const withBroker = stackNames.filter((name) => stacks[name].events === 'amqp').join(', ');

/** Why a stack has no such phase, in a sentence, if it has none. Of somebody else's, of which nobody knows what it is, each is tried. */
function lacking(choice: StackChoice | undefined, phase: Phase): string | undefined {
  if (choice === undefined) return undefined;
  if (ofBroker.includes(phase) && stacks[choice.stack].events !== 'amqp')
    return `${phase} needs a broker (${withBroker})`;
  return undefined;
}

export const isPhaseOf = (choice: StackChoice | undefined, phase: Phase): boolean =>
  lacking(choice, phase) === undefined;

/** Phases that are parts of the pairs now; their names go on working. */
const partsOfPairs = ['yardstick', 'checkout', 'fifty'];

export interface BenchArguments {
  /** An own stack, or a running one; its processes are unknown, unless its stack file is given too. */
  stack: StackToOpen;
  only: readonly Phase[];
  turns: TurnPlan;
  /** Of the other loads; undefined means the usual length of each. */
  seconds: number | undefined;
  quick: boolean;
  warmUp: boolean;
}

const usualLevels = [50, 500];

export const usage = `usage: npm run bench [-- options]
       npm run bench -- --against FOLDER|COMMIT [options]    pairs this tree with another: … --against . --help

${stackUsage}
  --url URL            measure the stack that runs there instead of an own one
  --stack-file FILE    its run/stack.json, which names its processes
  --only a,b           phases: ${phases.join(', ')};
                       ${ofBroker.join(' and ')} need a broker (${withBroker})
${turnUsage(usualLevels)};
                       a race of 400 for 20, a backlog of 5,000
  --repeat N           the old name of --pairs
  --no-warm-up         the phases after the pairs measure cold services, where there were none
  --cpu-prof           a CPU profile of each own Node process, written when it ends`;

/** @throws UsageError for anything it does not know */
export function parseBenchArguments(argv: string[]): BenchArguments {
  const values = optionsIn(argv, {
    ...stackOptions,
    ...turnOptions,
    url: text,
    'stack-file': text,
    only: text,
    repeat: text,
    'no-warm-up': flag,
    'cpu-prof': flag,
  });
  const repeat = wholeNumber('--repeat', values.repeat);
  if (repeat !== undefined) console.warn(`--repeat is --pairs now, and at least ${usualPairs}`);
  const pairs = values.pairs ?? (repeat === undefined ? undefined : String(Math.max(usualPairs, repeat)));
  const choice = stackIn(values);
  const only = values.only === undefined ? phases : [...new Set(values.only.split(',').map(phaseNamed))];
  const lacks = only.map((phase) => lacking(choice, phase));
  if (lacks.every((reason) => reason !== undefined)) {
    throw new UsageError(`${nameOf(choice)} has nothing of --only: ${lacks.join('; ')}`);
  }
  return {
    stack: {
      ...choice,
      url: address('--url', values.url),
      stackFile: values['stack-file'],
      cpuProfile: values['cpu-prof'] ?? false,
    },
    only,
    turns: turnsIn({ ...values, ...(pairs === undefined ? {} : { pairs }) }, usualLevels),
    seconds: wholeNumber('--seconds', values.seconds),
    quick: values.quick ?? false,
    warmUp: !values['no-warm-up'],
  };
}

function phaseNamed(name: string): Phase {
  const found = phases.find((phase) => phase === name.trim());
  if (partsOfPairs.includes(name.trim())) {
    console.warn(`--only ${name.trim()} is a part of pairs now, which is measured instead`);
    return 'pairs';
  }
  if (!found) throw new UsageError(`--only knows ${phases.join(', ')}, not "${name}"`);
  return found;
}
