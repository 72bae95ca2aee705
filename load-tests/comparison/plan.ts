import type { StackName } from '@flash-sale/shared/stacks.ts';

/**
 * The two that are held against each other, as the study did: the verdicts, the texts and the kept results are about exactly
 * these. Another stack is none of them before somebody has decided what its figures are to be compared with.
 */
export const comparedStacks = ['sync', 'async'] as const satisfies StackName[];
export type ComparedStack = (typeof comparedStacks)[number];

/** What is measured of each stack, in which amounts. Kept with the figures, so that a report knows what is missing. */
export interface Plan {
  quick: boolean;
  stacks: ComparedStack[];
  /** Shoppers at once. */
  levels: number[];
  /** Measured runs of each level. */
  repeats: number;
  warmUps: number;
  seconds: { warmUp: number; run: number; yardstickWarmUp: number; yardstick: number };
  race: { buyers: number; stock: number; prepareSeconds: number };
}

export const fullPlan: Plan = {
  quick: false,
  stacks: [...comparedStacks],
  levels: [250, 500],
  repeats: 3,
  warmUps: 2,
  seconds: { warmUp: 30, run: 60, yardstickWarmUp: 5, yardstick: 20 },
  race: { buyers: 2_000, stock: 100, prepareSeconds: 120 },
};

export const quickPlan: Plan = {
  ...fullPlan,
  quick: true,
  repeats: 1,
  warmUps: 1,
  seconds: { warmUp: 4, run: 10, yardstickWarmUp: 1, yardstick: 4 },
  race: { buyers: 300, stock: 100, prepareSeconds: 15 },
};

export type StepOnStack =
  | { does: 'log in' | 'race' | 'audit' }
  | { does: 'warm up'; vus: number }
  | { does: 'run'; vus: number; repeat: number };

export type Step = { does: 'start' } | { does: 'yardstick'; at: 'before' | 'after' } | StepOnStack;

/**
 * The steps for one stack. The yardstick stands at both ends, so that a machine that changes its speed is seen to, and no stack
 * runs beside it: one that does more at rest would make the machine look slower, and itself better.
 */
export function stepsOf(plan: Plan): Step[] {
  return [
    { does: 'yardstick', at: 'before' },
    { does: 'start' },
    ...stepsOnStack(plan),
    { does: 'yardstick', at: 'after' },
  ];
}

/** What is done while the stack runs. The levels take turns, so that a machine that grows slower slows all of them. */
export function stepsOnStack({ levels, repeats, warmUps }: Plan): StepOnStack[] {
  const turns = Array.from({ length: repeats }, (_, at) => at + 1);
  return [
    { does: 'log in' },
    ...Array.from({ length: warmUps }, (): StepOnStack => ({ does: 'warm up', vus: levels[0] ?? 0 })),
    ...turns.flatMap((repeat) => levels.map((vus): StepOnStack => ({ does: 'run', vus, repeat }))),
    { does: 'race' },
    { does: 'audit' },
  ];
}

/** About how long a step takes, for the progress bar only. */
export function secondsOf(step: Step, { quick, seconds, race }: Plan): number {
  const k6Seconds = 4;
  switch (step.does) {
    case 'start':
      return 25;
    case 'yardstick':
      return seconds.yardstickWarmUp + seconds.yardstick + k6Seconds;
    case 'log in':
      return quick ? 10 : 20;
    case 'warm up':
      return seconds.warmUp + k6Seconds;
    case 'run':
      return seconds.run + k6Seconds;
    case 'race':
      return race.prepareSeconds + k6Seconds;
    case 'audit':
      return 8;
  }
}

export function titleOf(step: Step, { repeats }: Plan): string {
  switch (step.does) {
    case 'yardstick':
      return `yardstick ${step.at} the stack`;
    case 'warm up':
      return `warm-up, ${step.vus} shoppers`;
    case 'run':
      return `${step.vus} shoppers, run ${step.repeat} of ${repeats}`;
    case 'start':
    case 'log in':
    case 'race':
    case 'audit':
      return step.does;
  }
}
