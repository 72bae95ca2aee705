import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../command-line.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArguments, usage } from './arguments.ts';
import { invariants } from './check.ts';
import { heading } from './table.ts';

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

test('the numbers of the checks are those of the guarantees, and the command says so', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const [, guarantees = ''] = /^## Guarantees.*?$([^]*?)^## /m.exec(readme) ?? [];
  expect([...guarantees.matchAll(/^(\d)\. /gm)].map(([, number]) => Number(number))).toEqual([...invariants]);
  for (const text of [heading, usage]) expect(text).toMatch(/number of the guarantee in README\.md/);
});
