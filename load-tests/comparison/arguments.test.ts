import { expect, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { allChoices, nameOf } from '../lib/options.ts';
import { parseArguments } from './arguments.ts';

const parse = (line: string) => parseArguments(line.split(' ').filter(Boolean));

test('measures the stacks of the study, those that are named, all, a quick look, or publishes', () => {
  expect(parse('').plan).toMatchObject({ quick: false, stacks: ['sync', 'async'], repeats: 5 });
  expect(parse('async:shared sync:separate').plan.stacks).toEqual(['async:shared', 'sync']);
  expect(parse('--stack sync --stack=monolith').plan.stacks).toEqual(['sync', 'monolith']);
  expect(parse('--all').plan.stacks).toEqual(allChoices.map(nameOf));
  expect(parse('--quick').plan).toMatchObject({ quick: true, stacks: ['sync', 'async'], repeats: 1 });
  expect(parse('')).toMatchObject({ publish: undefined });
  expect(parse('--publish x')).toMatchObject({ publish: 'x' });
});

test.each([
  '--publish',
  '--quick --publish x',
  'sync async --publish x',
  '--slow',
  'x',
  'sync',
  'sync sync:separate',
  'sync:both async',
  'sync:shared:2 async',
  '--all sync',
  '--all --stack sync',
  '--stack bogus',
])('refuses %s', (line) => {
  expect(() => parse(line)).toThrow(UsageError);
});
