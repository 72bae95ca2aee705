import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { parseOpenArguments } from './arguments.ts';

describe('the command line of arrivals', () => {
  test('knows its levels, and what a quick look is', () => {
    const usual = { levels: [25, 50, 75, 100, 125, 150], rounds: 3, seconds: 15, warmUpSeconds: 30 };
    expect(parseOpenArguments([])).toMatchObject(usual);
    expect(parseOpenArguments(['--quick'])).toMatchObject({ rounds: 1, seconds: 5, warmUpSeconds: 5 });
    expect(parseOpenArguments(['--levels', '50, 200', '--rounds', '5'])).toMatchObject({
      levels: [50, 200],
      rounds: 5,
    });
  });

  test.each(['--levels 100,50', '--levels 0', '--levels 1001', '--rounds 0', '--stack both', 'now'])(
    'refuses %s',
    (line) => {
      expect(() => parseOpenArguments(line.split(' '))).toThrow(UsageError);
    },
  );
});
