import { describe, expect, test } from '@jest/globals';
import { allChoices, nameOf } from '../lib/options.ts';
import { expectedSeconds, fullPlan, quickPlan, stepsOf, titleOf } from './plan.ts';

const titles = (plan: ReturnType<typeof fullPlan>) => stepsOf(plan).map((step) => titleOf(step, plan));
const two = ['sync', 'async'];

describe('two stacks', () => {
  test('stand all the time, and take turns in being first', () => {
    expect(titles({ ...fullPlan(two), repeats: 2 })).toEqual([
      'sync: start',
      'sync: at rest',
      'sync: a crowd logs in',
      'sync: log-ins and warm-up',
      'async: start',
      'async: at rest',
      'async: a crowd logs in',
      'async: log-ins and warm-up',
      'sync: 250 shoppers, round 1 of 2',
      'async: 250 shoppers, round 1 of 2',
      'yardstick, round 1 of 2',
      'sync: 500 shoppers, round 1 of 2',
      'async: 500 shoppers, round 1 of 2',
      'async: 250 shoppers, round 2 of 2',
      'sync: 250 shoppers, round 2 of 2',
      'async: 500 shoppers, round 2 of 2',
      'sync: 500 shoppers, round 2 of 2',
      'yardstick, round 2 of 2',
      'sync: race',
      'sync: audit',
      'async: race',
      'async: audit',
    ]);
  });

  test('a quick look runs each level once, and is meant to take less than four minutes', () => {
    expect(stepsOf(quickPlan(two)).filter(({ does }) => does === 'run')).toHaveLength(4);
    expect(expectedSeconds(quickPlan(two))).toBeLessThan(4 * 60);
  });
});

describe('more than two stacks', () => {
  test('each has a turn at every level in each round, and the last two of a round are the first of the next', () => {
    const steps = titles({ ...fullPlan(['a', 'b', 'c']), repeats: 2, levels: [500] });
    expect(steps.filter((title) => !/rest|crowd|warm-up|race|audit/.test(title))).toEqual([
      'a: start',
      'b: start',
      'yardstick, round 1 of 2',
      'a: 500 shoppers, round 1 of 2',
      'b: 500 shoppers, round 1 of 2',
      'c: start',
      'c: 500 shoppers, round 1 of 2',
      'c: 500 shoppers, round 2 of 2',
      'b: 500 shoppers, round 2 of 2',
      'a: start',
      'a: 500 shoppers, round 2 of 2',
      'yardstick, round 2 of 2',
      'c: start',
    ]);
  });

  test('of all stacks in all layouts it is meant to take an hour at most', () => {
    const all = allChoices.map(nameOf);
    expect(all.length).toBeGreaterThanOrEqual(5);
    expect(fullPlan(all).repeats).toBeGreaterThanOrEqual(5);
    expect(expectedSeconds(fullPlan(all))).toBeLessThanOrEqual(60 * 60);
  });
});
