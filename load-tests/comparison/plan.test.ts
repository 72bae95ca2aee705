import { expect, test } from '@jest/globals';
import { fullPlan, quickPlan, secondsOf, stepsOf, titleOf } from './plan.ts';

test('the levels take turns, and the yardsticks stand before and after the stack', () => {
  expect(stepsOf(fullPlan).map((step) => titleOf(step, fullPlan))).toEqual([
    'yardstick before the stack',
    'start',
    'log in',
    'warm-up, 250 shoppers',
    'warm-up, 250 shoppers',
    '250 shoppers, run 1 of 3',
    '500 shoppers, run 1 of 3',
    '250 shoppers, run 2 of 3',
    '500 shoppers, run 2 of 3',
    '250 shoppers, run 3 of 3',
    '500 shoppers, run 3 of 3',
    'race',
    'audit',
    'yardstick after the stack',
  ]);
});

test('a quick look runs each level once, and is meant to take less than four minutes', () => {
  expect(stepsOf(quickPlan).filter(({ does }) => does === 'run')).toEqual([
    { does: 'run', vus: 250, repeat: 1 },
    { does: 'run', vus: 500, repeat: 1 },
  ]);
  const seconds = stepsOf(quickPlan).reduce((sum, step) => sum + secondsOf(step, quickPlan), 0);
  expect(seconds * quickPlan.stacks.length).toBeLessThan(4 * 60);
});
