import { expect, test } from '@jest/globals';
import { turnsOf } from './protocol.ts';

const order = (rounds: number, levels: number[], names: string[]) =>
  turnsOf(
    { rounds, levels },
    names.map((name) => (name === 'yardstick' ? { name, isYardstick: true as const } : { name })),
  ).map(({ pair, vus, side }) => `${pair} ${vus} ${side.name}`);

test('the sides take turns in being first, and each level is measured in each round', () => {
  expect(order(3, [50, 500], ['this', 'that'])).toEqual([
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

test('a yardstick is measured with the most shoppers only', () => {
  expect(order(2, [50, 500], ['yardstick', 'a'])).toEqual([
    '1 50 a',
    '1 500 yardstick',
    '1 500 a',
    '2 50 a',
    '2 500 a',
    '2 500 yardstick',
  ]);
});

test('of more than two sides, which cannot all stand at once, each is measured at all levels before the next is started', () => {
  expect(order(2, [50, 500], ['a', 'b', 'c'])).toEqual([
    '1 50 a',
    '1 500 a',
    '1 50 b',
    '1 500 b',
    '1 50 c',
    '1 500 c',
    '2 50 c',
    '2 500 c',
    '2 50 b',
    '2 500 b',
    '2 50 a',
    '2 500 a',
  ]);
});
