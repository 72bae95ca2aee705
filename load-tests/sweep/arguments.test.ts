import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { parseSweepArguments, secondsOf } from './arguments.ts';

describe('the command line of the sweep', () => {
  test('knows its levels, and gives a large crowd more time', () => {
    expect(parseSweepArguments([]).levels).toEqual([10, 50, 100, 250, 500, 1_000]);
    expect(parseSweepArguments(['--levels', '5, 20', '--quick'])).toMatchObject({ levels: [5, 20], quick: true });
    const quick = { seconds: undefined, quick: true };
    expect(secondsOf(1_000, quick)).toBeGreaterThan(secondsOf(10, quick));
    expect(secondsOf(1_000, { ...quick, seconds: 5 })).toBe(5);
  });

  test.each([
    '--levels 10,5',
    '--levels 0',
    '--levels ten',
    '--levels 1,30000',
    '--stack both',
    '--from a --quick',
    'now',
  ])('refuses %s', (line) => {
    expect(() => parseSweepArguments(line.split(' '))).toThrow(UsageError);
  });
});
