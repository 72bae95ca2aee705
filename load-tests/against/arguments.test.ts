import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { asksForPairs, parseAgainstArguments } from './arguments.ts';

const parse = (line: string) => parseAgainstArguments(line.split(' '));

describe('the command line of paired measurements', () => {
  test('five pairs of 500 shoppers on the async stack, unless told otherwise', () => {
    expect(parse('--against v1')).toEqual({
      against: 'v1',
      stack: { stack: 'async', layout: 'separate', instances: 2 },
      turns: { rounds: 5, levels: [500], seconds: 15, warmUpSeconds: 30 },
      quick: false,
      settings: { this: [], that: [] },
    });
  });

  test('levels, lengths, and settings of one side only', () => {
    const line =
      '--against . --stack sync --layout shared --vus 50,500 --pairs 7 --seconds 20 --that-set A=1 --that-set B=x=y --this-set C=';
    expect(parse(line)).toMatchObject({
      against: '.',
      stack: { stack: 'sync', layout: 'shared' },
      turns: { rounds: 7, levels: [50, 500], seconds: 20 },
      settings: { this: ['C='], that: ['A=1', 'B=x=y'] },
    });
  });

  test('what counting costs, by the bounds and limits of which nobody reaches one', () => {
    const { settings } = parse('--against . --this-counts --this-set HOLD_TTL_MS=1');
    expect(settings.that).toEqual([]);
    expect(settings.this).toEqual(
      expect.arrayContaining([
        'RATE_LIMIT_EXEMPT=',
        'LOGIN_LIMIT_PER_ADDRESS=1000000',
        'CART_LIMIT_PER_ADDRESS=1000000',
      ]),
    );
    expect(settings.this.at(-1)).toBe('HOLD_TTL_MS=1');
  });

  test('a quick look may have fewer pairs', () => {
    expect(parse('--against . --quick')).toMatchObject({ turns: { rounds: 2, seconds: 5, warmUpSeconds: 5 } });
    expect(parse('--against . --quick --pairs 1').turns.rounds).toBe(1);
  });

  test.each([
    '--against . --pairs 4',
    '--against=',
    '--against . --vus 50,',
    '--against . --stack both',
    '--against . --only race',
    '--against . --this-set HOLD_TTL_MS',
    '--pairs 5',
  ])('refuses %s', (line) => {
    expect(() => parse(line)).toThrow(UsageError);
  });

  test('is told from that of the benchmark', () => {
    expect(
      ['--quick --against .', '--against=. --quick', '--quick'].map((line) => asksForPairs(line.split(' '))),
    ).toEqual([true, true, false]);
  });
});
