import { describe, expect, test } from '@jest/globals';
import type { Spread } from './figures.ts';
import { chanceOfPairedWinner, chanceOfWinner, pairedWinnerOf, studyWinnerOf, winnerOf } from './verdict.ts';

const spread = (min: number, max: number, runs = 3): Spread => ({ mean: (min + max) / 2, min, max, runs });
const both = ['sync', 'async'];
const lower = { better: 'lower', followsMachine: false } as const;
const higher = { better: 'higher', followsMachine: true } as const;

describe('a winner', () => {
  test('is better in every run', () => {
    expect(winnerOf(lower, both, { sync: spread(10, 12), async: spread(13, 20) }, 1)).toBe('sync');
    expect(winnerOf(higher, both, { sync: spread(10, 12), async: spread(13, 20) }, 1)).toBe('async');
  });

  test('is nobody where the ranges overlap or touch', () => {
    expect(winnerOf(lower, both, { sync: spread(10, 13), async: spread(12, 20) }, 1)).toBe('tie');
    expect(winnerOf(lower, both, { sync: spread(10, 12), async: spread(12, 20) }, 1)).toBe('tie');
  });

  test('is better by more than the machine has changed, if that matters', () => {
    const ours = { sync: spread(10, 10), async: spread(12, 12) };
    expect(winnerOf(higher, both, ours, 1.1)).toBe('async');
    expect(winnerOf(higher, both, ours, 1.3)).toBe('tie');
    expect(winnerOf(lower, both, ours, 1.3)).toBe('sync');
  });

  test('cannot be named from one run, from one stack, or on a machine of unknown steadiness', () => {
    expect(winnerOf(lower, both, { sync: spread(1, 1, 1), async: spread(9, 9, 3) }, 1)).toBe('not judged');
    expect(winnerOf(lower, both, { sync: spread(1, 1) }, 1)).toBe('not judged');
    expect(winnerOf(higher, both, { sync: spread(1, 1), async: spread(9, 9) }, undefined)).toBe('not judged');
  });

  test('may be chance: of three runs each, 2 of the 20 orders have one', () => {
    expect([1, 2, 3, 5].map(chanceOfWinner)).toEqual([1, 2 / 6, 2 / 20, 2 / 252]);
  });

  test('of the study is the better of two figures', () => {
    expect(studyWinnerOf('lower', { sync: 1, async: 2 })).toBe('sync');
    expect(studyWinnerOf('higher', { sync: 1, async: 2 })).toBe('async');
    expect(studyWinnerOf('higher', { sync: 2, async: 2 })).toBe('tie');
  });

  test('of three is better than both others', () => {
    const three = { a: spread(1, 2), b: spread(3, 4), c: spread(5, 6) };
    expect(winnerOf(lower, ['c', 'b', 'a'], three, 1)).toBe('a');
    expect(winnerOf(lower, ['c', 'b', 'a'], { ...three, b: spread(2, 4) }, 1)).toBe('tie');
  });
});

describe('a winner of stacks that took turns', () => {
  const rounds = (...values: number[]) => new Map(values.map((value, at) => [at + 1, value]));

  test('is better in every round, however the rounds differ', () => {
    const ours = { a: rounds(10, 100, 50), b: rounds(9, 99, 49) };
    expect(pairedWinnerOf('higher', ['a', 'b'], ours, 3)).toBe('a');
    expect(pairedWinnerOf('lower', ['a', 'b'], ours, 3)).toBe('b');
  });

  test('is nobody where a single round goes the other way, or is the same', () => {
    expect(pairedWinnerOf('higher', ['a', 'b'], { a: rounds(2, 2), b: rounds(1, 3) }, 2)).toBe('tie');
    expect(pairedWinnerOf('higher', ['a', 'b'], { a: rounds(2, 2), b: rounds(1, 2) }, 2)).toBe('tie');
  });

  test('cannot be named where a round is missing, nor from one round', () => {
    expect(pairedWinnerOf('higher', ['a', 'b'], { a: rounds(2, 2), b: rounds(1) }, 2)).toBe('not judged');
    expect(pairedWinnerOf('higher', ['a', 'b'], { a: rounds(2, 2) }, 2)).toBe('not judged');
    expect(pairedWinnerOf('higher', ['a', 'b'], { a: rounds(2), b: rounds(1) }, 1)).toBe('not judged');
  });

  test('of three is better than both others in every round', () => {
    const ours = { a: rounds(3, 5), b: rounds(2, 4), c: rounds(1, 1) };
    expect(pairedWinnerOf('higher', ['c', 'b', 'a'], ours, 2)).toBe('a');
    expect(pairedWinnerOf('higher', ['c', 'b', 'a'], { ...ours, c: rounds(1, 6) }, 2)).toBe('tie');
  });

  test('may be chance: as with a coin, all of five rounds fall on one side in 2 of 32 cases', () => {
    expect([1, 5].map(chanceOfPairedWinner)).toEqual([1, 2 / 32]);
  });
});
