import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../command-line.ts';
import { parseArguments } from './arguments.ts';

describe('the arguments of the audit', () => {
  test('are the running stack and 30 s unless given', () => {
    expect(parseArguments([])).toEqual({ stackFile: undefined, fromEnvironment: false, quietWithinMs: 30_000 });
  });

  test('are given with a space or an equals sign', () => {
    const given = { stackFile: 'a=b.json', fromEnvironment: false, quietWithinMs: 1_500 };
    expect(parseArguments(['--stack-file', 'a=b.json', '--quiet-within', '1.5'])).toEqual(given);
    expect(parseArguments(['--stack-file=a=b.json', '--quiet-within=1.5'])).toEqual(given);
  });

  test('may name the environment instead, between others', () => {
    const given = { stackFile: undefined, fromEnvironment: true, quietWithinMs: 2_000 };
    expect(parseArguments(['--from-environment', '--quiet-within', '2'])).toEqual(given);
  });

  test.each([['--stack'], ['--stack-file'], ['--quiet-within='], ['--quiet-within', '-1'], ['--quiet-within', '9999']])(
    'refuses %s %s',
    (...argv) => {
      expect(() => parseArguments(argv)).toThrow(UsageError);
    },
  );
});
