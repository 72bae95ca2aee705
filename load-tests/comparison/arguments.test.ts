import { expect, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { parseArguments } from './arguments.ts';

test('measures all, a quick look, or publishes', () => {
  expect(parseArguments([])).toEqual({ quick: false, publish: undefined });
  expect(parseArguments(['--quick'])).toEqual({ quick: true, publish: undefined });
  expect(parseArguments(['--publish', 'x'])).toEqual({ quick: false, publish: 'x' });
});

test.each(['--publish', '--quick --publish x', '--slow', 'x'])('refuses %s', (line) => {
  expect(() => parseArguments(line.split(' '))).toThrow(UsageError);
});
