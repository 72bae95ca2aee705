import { defaultStack, isStackName, stackNames, stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import { optionsIn, stackChoices, stackNamed, UsageError } from '../../infra/command-line.ts';

export const phases = [
  'idle',
  'yardstick',
  'checkout',
  'fifty',
  'one',
  'accepted',
  'race',
  'backlog',
  'audit',
] as const;
export type Phase = (typeof phases)[number];
/** Without a broker there is nothing of the kind. */
const ofBroker: readonly Phase[] = ['accepted', 'backlog'];
const withBroker = stackNames.filter((name) => stacks[name].events === 'amqp').join(', ');

/** Whether a stack has such a phase. Of somebody else's, whose name nobody knows, each is tried. */
export const isPhaseOf = (stack: string, phase: Phase): boolean =>
  !ofBroker.includes(phase) || !isStackName(stack) || stacks[stack].events === 'amqp';

export interface BenchArguments {
  stack: StackName;
  /** A running stack to measure instead of an own one; its processes are unknown, unless its stack file is given too. */
  url: string | undefined;
  stackFile: string | undefined;
  only: readonly Phase[];
  vus: number;
  /** Per load phase; undefined means the usual length of each. */
  seconds: number | undefined;
  repeat: number;
  quick: boolean;
  warmUp: boolean;
  cpuProfile: boolean;
}

export const usage = `usage: npm run bench [-- options]
       npm run bench -- --against FOLDER|COMMIT [options]    pairs this tree with another: … --against . --help

  --stack NAME         which stack to start: ${stackChoices} (${defaultStack})
  --url URL            measure the stack that runs there instead of an own one
  --stack-file FILE    its run/stack.json, which names its processes
  --only a,b           phases: ${phases.join(', ')};
                       ${ofBroker.join(' and ')} need a broker (${withBroker})
  --vus N              virtual users of the checkout phase (500)
  --seconds N          length of every load phase
  --repeat N           runs of the checkout phase; the median counts (1)
  --quick              short phases, a race of 400 for 20, a backlog of 5,000
  --no-warm-up         measure cold services
  --cpu-prof           a CPU profile of each own Node process, written when it ends`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** Throws UsageError for anything it does not know. */
export function parseBenchArguments(argv: string[]): BenchArguments {
  const values = optionsIn(argv, {
    stack: text,
    url: text,
    'stack-file': text,
    only: text,
    vus: text,
    seconds: text,
    repeat: text,
    quick: flag,
    'no-warm-up': flag,
    'cpu-prof': flag,
  });
  const stack = stackNamed(values.stack);
  const only = values.only === undefined ? phases : values.only.split(',').map(phaseNamed);
  if (!only.some((phase) => isPhaseOf(stack, phase))) {
    throw new UsageError(
      `--stack ${stack} has none of the phases ${only.join(', ')}: they need a broker (${withBroker})`,
    );
  }
  return {
    stack,
    url: address('--url', values.url),
    stackFile: values['stack-file'],
    only,
    vus: positive('--vus', values.vus) ?? 500,
    seconds: positive('--seconds', values.seconds),
    repeat: positive('--repeat', values.repeat) ?? 1,
    quick: values.quick ?? false,
    warmUp: !values['no-warm-up'],
    cpuProfile: values['cpu-prof'] ?? false,
  };
}

function phaseNamed(name: string): Phase {
  const found = phases.find((phase) => phase === name.trim());
  if (!found) throw new UsageError(`--only knows ${phases.join(', ')}, not "${name}"`);
  return found;
}

/** An address without a slash at its end, if there is one. Throws UsageError. */
export function address(option: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!/^https?:$/.test(URL.parse(value)?.protocol ?? '')) {
    throw new UsageError(`${option} is an address such as http://127.0.0.1:8080, not "${value}"`);
  }
  return value.replace(/\/+$/, '');
}

/** A whole number above zero, if there is one. Throws UsageError. */
export function positive(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new UsageError(`${option} is a number above zero, not "${value}"`);
  return Number(value);
}

/** Whole numbers above zero, separated by commas. Throws UsageError. */
export function positives(option: string, text: string): number[] {
  return text.split(',').map((one) => positive(option, one.trim()) ?? 0);
}
