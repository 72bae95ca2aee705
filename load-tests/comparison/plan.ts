import type { TurnPlan } from '../lib/options.ts';
import { turnsOf } from '../turns/protocol.ts';
import { makingWay } from '../turns/side.ts';

/** What is measured of each stack, in which amounts. Kept with the figures, so that a report knows what is missing. */
export interface Plan {
  quick: boolean;
  /** Each with its layout, as in `sync:shared`. */
  stacks: string[];
  /** Shoppers at once. */
  levels: number[];
  /** Measured runs of each level; one a round, where stacks take turns. */
  repeats: number;
  warmUps: number;
  /** The stacks take turns. Earlier releases measured one after the other. */
  paired?: true | undefined;
  seconds: { warmUp: number; run: number; yardstick: number; yardstickWarmUp?: number | undefined };
  /** Who log in at once when a stack has just been started. Earlier releases did not look. */
  crowd?: { shoppers: number } | undefined;
  race: { buyers: number; stock: number; prepareSeconds: number };
}

export function fullPlan(stacks: string[]): Plan {
  return {
    quick: false,
    stacks,
    levels: [250, 500],
    repeats: 5,
    warmUps: 1,
    paired: true,
    seconds: { warmUp: 20, run: 15, yardstick: 15 },
    crowd: { shoppers: 500 },
    race: { buyers: 2_000, stock: 100, prepareSeconds: 120 },
  };
}

export function quickPlan(stacks: string[]): Plan {
  return {
    ...fullPlan(stacks),
    quick: true,
    repeats: 1,
    seconds: { warmUp: 4, run: 10, yardstick: 10 },
    crowd: { shoppers: 100 },
    race: { buyers: 300, stock: 100, prepareSeconds: 15 },
  };
}

/** The same as everything that is measured in turns has it. */
export function turnPlanOf({ repeats, levels, seconds }: Plan): TurnPlan {
  return { rounds: repeats, levels, seconds: seconds.run, warmUpSeconds: seconds.warmUp };
}

/** How long a stack is left alone after its first start, and how long it is then looked at. */
export function restOf({ quick }: Plan): { settleSeconds: number; lookSeconds: number } {
  return quick ? { settleSeconds: 1, lookSeconds: 3 } : { settleSeconds: 10, lookSeconds: 15 };
}

export type Step =
  | { does: 'start' | 'rest' | 'crowd' | 'warm up' | 'race' | 'audit'; stack: string }
  | { does: 'yardstick'; repeat: number }
  | { does: 'run'; stack: string; vus: number; repeat: number };

const yardstick = { name: 'yardstick', isYardstick: true as const };

/**
 * All steps in their order. Every stack has a turn in each round, and no more than two stand at once: of two, both stand all the
 * time; of more, each is started anew in most rounds. In the end each is there once more for the race and the audit.
 */
export function stepsOf(plan: Plan): Step[] {
  const sides: { name: string; isYardstick?: true }[] = [yardstick, ...plan.stacks.map((name) => ({ name }))];
  const steps: Step[] = [];
  const seen = new Set<string>();
  let running: typeof sides = [];
  const use = (side: (typeof sides)[number], warm: boolean) => {
    const isRunning = running.includes(side);
    if (!isRunning) running = running.filter((one) => !makingWay(running, side).includes(one));
    running = [...running.filter((one) => one !== side), side];
    if (isRunning || side.isYardstick) return;
    const stack = side.name;
    steps.push({ does: 'start', stack });
    if (!seen.has(stack)) steps.push({ does: 'rest', stack });
    if (!seen.has(stack) && plan.crowd) steps.push({ does: 'crowd', stack });
    seen.add(stack);
    if (warm) steps.push({ does: 'warm up', stack });
  };
  for (const side of sides.slice(0, 3)) use(side, true);
  for (const { pair: repeat, vus, side } of turnsOf(turnPlanOf(plan), sides)) {
    use(side, true);
    steps.push(side.isYardstick ? { does: 'yardstick', repeat } : { does: 'run', stack: side.name, vus, repeat });
  }
  for (const side of inTheEnd(running, sides)) {
    use(side, false);
    steps.push({ does: 'race', stack: side.name }, { does: 'audit', stack: side.name });
  }
  return steps;
}

/** Those that still stand come first. */
export function inTheEnd<OneSide extends { isYardstick?: true }>(standing: OneSide[], sides: OneSide[]): OneSide[] {
  const stacks = sides.filter(({ isYardstick }) => !isYardstick);
  return [...stacks.filter((side) => standing.includes(side)), ...stacks.filter((side) => !standing.includes(side))];
}

/** About how long a step takes. */
export function secondsOf(step: Step, plan: Plan): number {
  const { quick, seconds, race } = plan;
  const k6Seconds = 4;
  switch (step.does) {
    case 'start':
      return 25;
    case 'rest':
      return restOf(plan).settleSeconds + restOf(plan).lookSeconds;
    case 'yardstick':
      return seconds.yardstick + k6Seconds;
    case 'warm up':
      return (quick ? 10 : 20) + seconds.warmUp + k6Seconds;
    case 'run':
      return seconds.run + k6Seconds;
    case 'crowd':
      // A hash each, on two processors, and the last of them may come a little late.
      return (plan.crowd?.shoppers ?? 0) / 80 + k6Seconds;
    case 'race':
      return race.prepareSeconds + k6Seconds;
    case 'audit':
      return 8;
  }
}

/** About how long all of it takes. */
export function expectedSeconds(plan: Plan): number {
  return stepsOf(plan).reduce((sum, step) => sum + secondsOf(step, plan), 0);
}

export function titleOf(step: Step, { repeats }: Plan): string {
  switch (step.does) {
    case 'yardstick':
      return `yardstick, round ${step.repeat} of ${repeats}`;
    case 'run':
      return `${step.stack}: ${step.vus} shoppers, round ${step.repeat} of ${repeats}`;
    case 'rest':
      return `${step.stack}: at rest`;
    case 'crowd':
      return `${step.stack}: a crowd logs in`;
    case 'warm up':
      return `${step.stack}: log-ins and warm-up`;
    case 'start':
    case 'race':
    case 'audit':
      return `${step.stack}: ${step.does}`;
  }
}
