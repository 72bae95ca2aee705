/** What is measured of each stack, in which amounts. Kept with the figures, so that a report knows what is missing. */
export interface Plan {
  quick: boolean;
  stacks: StackName[];
  /** Shoppers at once. */
  levels: number[];
  /** Measured runs of each level. */
  repeats: number;
  warmUps: number;
  seconds: { warmUp: number; run: number; yardstickWarmUp: number; yardstick: number };
  race: { buyers: number; stock: number; prepareSeconds: number };
}

export type StackName = 'sync' | 'async';

export const fullPlan: Plan = {
  quick: false,
  stacks: ['sync', 'async'],
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

export type Step =
  | { does: 'start' | 'log in' | 'race' | 'audit' }
  | { does: 'yardstick'; at: 'before' | 'after' }
  | { does: 'warm up'; vus: number }
  | { does: 'run'; vus: number; repeat: number };

/**
 * The steps for one stack. The levels take turns, so that a machine that grows slower slows all of them, and the yardstick
 * stands at both ends, so that it is seen to have done so.
 */
export function stepsOf({ levels, repeats, warmUps }: Plan): Step[] {
  const turns = Array.from({ length: repeats }, (_, at) => at + 1);
  return [
    { does: 'start' },
    { does: 'yardstick', at: 'before' },
    { does: 'log in' },
    ...Array.from({ length: warmUps }, (): Step => ({ does: 'warm up', vus: levels[0] ?? 0 })),
    ...turns.flatMap((repeat) => levels.map((vus): Step => ({ does: 'run', vus, repeat }))),
    { does: 'yardstick', at: 'after' },
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
      return `yardstick ${step.at} the runs`;
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
