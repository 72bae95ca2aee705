import { expect, test } from '@jest/globals';
import { turnsOf } from './protocol.ts';

test('the sides take turns in being first, and each level is measured in each pair', () => {
  const order = turnsOf({ pairs: 3, levels: [50, 500] }).map(({ pair, vus, side }) => `${pair} ${vus} ${side}`);
  expect(order).toEqual([
    '1 50 this',
    '1 50 that',
    '1 500 this',
    '1 500 that',
    '2 50 that',
    '2 50 this',
    '2 500 that',
    '2 500 this',
    '3 50 this',
    '3 50 that',
    '3 500 this',
    '3 500 that',
  ]);
});
