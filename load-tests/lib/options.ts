import { layoutNames, type LayoutName } from '@flash-sale/shared/layouts.ts';
import {
  defaultStack,
  isStackName,
  layoutRefusal,
  stackNames,
  stacks,
  type StackName,
} from '@flash-sale/shared/stacks.ts';
import { maxInstances } from '../../infra/launcher/arguments.ts';
import { layoutNamed, stackChoices, stackNamed, UsageError, wholeNumber } from '../../infra/command-line.ts';

/* What several of the commands that measure take on their command lines. */

export const text = { type: 'string' } as const;
export const several = { type: 'string', multiple: true } as const;
export const flag = { type: 'boolean' } as const;

/** Which stack to start, and how. */
export interface StackChoice {
  stack: StackName;
  layout: LayoutName;
}

export const usualInstances = 2;

export const stackOptions = { stack: text, layout: text, instances: text } as const;

export const stackUsage = `  --stack NAME         which stack to start: ${stackChoices} (${defaultStack})
  --layout NAME        which processes run its services: ${layoutNames.join('|')} (the usual one of the stack)
  --instances N        of each service, or processes with all of them; at most ${maxInstances} (${usualInstances})`;

/** @throws UsageError */
export function stackIn(values: {
  stack?: string;
  layout?: string;
  instances?: string;
}): StackChoice & { instances: number } {
  const stack = stackNamed(values.stack);
  const instances = wholeNumber('--instances', values.instances, maxInstances) ?? usualInstances;
  return {
    ...inLayout(stack, values.layout === undefined ? usualLayoutOf(stack) : layoutNamed(values.layout)),
    instances,
  };
}

export const usualLayoutOf = (stack: StackName): LayoutName => stacks[stack].layouts[0];

function inLayout(stack: StackName, layout: LayoutName): StackChoice {
  const refusal = layoutRefusal(stack, layout);
  if (refusal !== undefined) throw new UsageError(refusal);
  return { stack, layout };
}

/** Every stack in every layout that it has, the usual one first. */
export const allChoices: readonly StackChoice[] = stackNames.flatMap((stack) =>
  stacks[stack].layouts.map((layout) => ({ stack, layout })),
);

/** Its name, and where the layout is not its usual one that too, as in `sync:shared`. */
export function nameOf({ stack, layout }: StackChoice): string {
  return layout === usualLayoutOf(stack) ? stack : `${stack}:${layout}`;
}

/** The stack of such a name. @throws UsageError */
export function choiceNamed(name: string): StackChoice {
  const [stack, layout, more] = name.split(':');
  if (more !== undefined) throw new UsageError(`a stack is named like ${nameOf(allChoices.at(-1)!)}, not "${name}"`);
  if (stack === undefined || !isStackName(stack))
    throw new UsageError(`there are ${allChoices.map(nameOf).join(', ')}, and no "${name}"`);
  const named = stack;
  return inLayout(named, layout === undefined ? usualLayoutOf(named) : layoutNamed(layout));
}

/** An address without a slash at its end, if there is one. @throws UsageError */
export function address(option: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!/^https?:$/.test(URL.parse(value)?.protocol ?? '')) {
    throw new UsageError(`${option} is an address such as http://127.0.0.1:8080, not "${value}"`);
  }
  return value.replace(/\/+$/, '');
}

/** Whole numbers, separated by commas. @throws UsageError */
export function wholeNumbers(option: string, value: string): number[] {
  return value.split(',').map((one) => wholeNumber(option, one.trim()));
}

/** How many pairs of turns, of which length; with their limits. */
export interface TurnPlan {
  /** Rounds: each has a turn of every side at every level. */
  rounds: number;
  /** Virtual users. */
  levels: number[];
  /** Of load per turn, and of the load before the first, which does not count. */
  seconds: number;
  warmUpSeconds: number;
}

export const turnOptions = { pairs: text, vus: text, seconds: text, quick: flag } as const;

export const usualPairs = 5;
const usualSeconds = 15;
const usualWarmUpSeconds = 30;
const quickSeconds = 5;
const quickPairs = 2;

export const turnUsage = (
  levels: number[],
) => `  --vus a,b            virtual users; each of several is measured in each pair (${levels.join(',')})
  --pairs N            pairs of turns, ${usualPairs} or more (${usualPairs})
  --seconds N          length of every turn (${usualSeconds})
  --quick              ${quickPairs} pairs of ${quickSeconds} s unless told otherwise: a look, no figures`;

/** @throws UsageError */
export function turnsIn(
  values: { pairs?: string; vus?: string; seconds?: string; quick?: boolean },
  usualLevels: number[],
): TurnPlan {
  const quick = values.quick ?? false;
  const rounds = wholeNumber('--pairs', values.pairs) ?? (quick ? quickPairs : usualPairs);
  if (rounds < usualPairs && !quick) {
    throw new UsageError(`--pairs is ${usualPairs} or more: fewer tell nothing (--quick takes a look at them)`);
  }
  const seconds = wholeNumber('--seconds', values.seconds) ?? (quick ? quickSeconds : usualSeconds);
  return {
    rounds,
    levels: values.vus === undefined ? usualLevels : wholeNumbers('--vus', values.vus),
    seconds,
    warmUpSeconds: quick ? seconds : Math.max(seconds, usualWarmUpSeconds),
  };
}
