import { expect, test } from '@jest/globals';
import { untilIdle } from './rest.ts';

const now = () => Promise.resolve();

test('a stack rests when two looks in a row find it idle', async () => {
  const used = [0, 0.9, 1, 1.9, 2, 2.1, 9];
  await untilIdle(() => used.shift()!, now);
  expect(used).toEqual([9]);
});

test('a stack that never rests is waited for no longer than five minutes of looks', async () => {
  let looks = 0;
  await expect(untilIdle(() => looks++, now)).rejects.toThrow(/still at work after 300 looks/);
  expect(looks).toBe(301);
});
