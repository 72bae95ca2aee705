import { expect, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { parseReadsArguments } from './arguments.ts';

test('reads has its usual size, and a quick look', () => {
  expect(parseReadsArguments([])).toMatchObject({ rate: 20, rounds: 5, seconds: 15 });
  expect(parseReadsArguments(['--quick'])).toMatchObject({ rate: 20, rounds: 1, seconds: 5 });
  expect(parseReadsArguments(['--stack', 'sync', '--rate', '40', '--rounds=7'])).toMatchObject({
    stack: { stack: 'sync', layout: 'separate', instances: 2 },
    rate: 40,
    rounds: 7,
  });
});

test.each(['--rate 0', '--rate 1001', '--rounds 0', '--stack both', 'now'])('reads refuses %s', (line) => {
  expect(() => parseReadsArguments(line.split(' '))).toThrow(UsageError);
});
