import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { WeightedSemaphore } from './weighted-semaphore.ts';

/** Work that notes when it has begun; to be ended by its release. */
function works(semaphore: WeightedSemaphore, ...weights: number[]) {
  const begun: number[] = [];
  weights.forEach((weight, index) => void semaphore.acquire(weight).then(() => begun.push(index)));
  return async () => {
    await turn();
    return begun;
  };
}

test('what there is room for begins at once; the rest begins in the order of its arrival', async () => {
  const semaphore = new WeightedSemaphore(10);
  const begun = works(semaphore, 6, 4, 5, 1);
  // The last would fit, and does not overtake.
  expect(await begun()).toEqual([0, 1]);
  semaphore.release(4);
  expect(await begun()).toEqual([0, 1]);
  semaphore.release(6);
  expect(await begun()).toEqual([0, 1, 2, 3]);
});

test('what weighs more than all that may goes in alone', async () => {
  const semaphore = new WeightedSemaphore(10);
  const begun = works(semaphore, 1, 11, 1);
  expect(await begun()).toEqual([0]);
  semaphore.release(1);
  expect(await begun()).toEqual([0, 1]);
  semaphore.release(11);
  expect(await begun()).toEqual([0, 1, 2]);
});
