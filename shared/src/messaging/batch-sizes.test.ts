import { expect, test } from '@jest/globals';
import { BatchSizes } from './batch-sizes.ts';

test('of what nobody has seen a batch counts as one event', () => {
  expect(new BatchSizes().eventsIn(7, 'order')).toBe(7);
});

test('a service whose batches were seen is judged by them, another by all that were', () => {
  const sizes = new BatchSizes();
  sizes.note('order', 40);
  expect(sizes.eventsIn(10, 'order')).toBe(400);
  expect(sizes.eventsIn(10, 'payment')).toBe(400);
  sizes.note('payment', 4);
  expect(sizes.eventsIn(10, 'payment')).toBe(40);
  expect(sizes.eventsIn(10, 'order')).toBe(400);
});

test('what comes lately counts most', () => {
  const sizes = new BatchSizes();
  for (let n = 0; n < 500; n += 1) sizes.note('order', 100);
  for (let n = 0; n < 500; n += 1) sizes.note('order', 2);
  expect(sizes.eventsIn(100, 'order')).toBeLessThan(210);
  expect(sizes.eventsIn(100, 'order')).toBeGreaterThanOrEqual(200);
});

test('no batch counts as less than an event', () => {
  const sizes = new BatchSizes();
  sizes.note('order', 0);
  expect(sizes.eventsIn(5, 'order')).toBe(5);
});
