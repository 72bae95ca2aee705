import { expect, test } from '@jest/globals';
import { countOf } from './counted.ts';

test.each([
  [0, '0 processes'],
  [1, '1 process'],
  [2, '2 processes'],
])('of %i it is "%s"', (count, text) => {
  expect(countOf(count, ['process', 'processes'])).toBe(text);
});
