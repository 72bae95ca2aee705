import { describe, expect, test } from '@jest/globals';
import type { Spread } from './figures.ts';
import { chanceOfWinner, studyWinnerOf, winnerOf } from './verdict.ts';

const spread = (min: number, max: number, runs = 3): Spread => ({ mean: (min + max) / 2, min, max, runs });
const lower = { better: 'lower', followsMachine: false } as const;
const higher = { better: 'higher', followsMachine: true } as const;

describe('a winner', () => {
  test('is better in every run', () => {
    expect(winnerOf(lower, { sync: spread(10, 12), async: spread(13, 20) }, 1)).toBe('sync');
    expect(winnerOf(higher, { sync: spread(10, 12), async: spread(13, 20) }, 1)).toBe('async');
  });

  test('is nobody where the ranges overlap or touch', () => {
    expect(winnerOf(lower, { sync: spread(10, 13), async: spread(12, 20) }, 1)).toBe('tie');
    expect(winnerOf(lower, { sync: spread(10, 12), async: spread(12, 20) }, 1)).toBe('tie');
  });

  test('is better by more than the machine has changed, if that matters', () => {
    const ours = { sync: spread(10, 10), async: spread(12, 12) };
    expect(winnerOf(higher, ours, 1.1)).toBe('async');
    expect(winnerOf(higher, ours, 1.3)).toBe('tie');
    expect(winnerOf(lower, ours, 1.3)).toBe('sync');
  });

  test('cannot be named from one run, from one stack, or on a machine of unknown steadiness', () => {
    expect(winnerOf(lower, { sync: spread(1, 1, 1), async: spread(9, 9, 3) }, 1)).toBe('not judged');
    expect(winnerOf(lower, { sync: spread(1, 1) }, 1)).toBe('not judged');
    expect(winnerOf(higher, { sync: spread(1, 1), async: spread(9, 9) }, undefined)).toBe('not judged');
  });

  test('may be chance: of three runs each, 2 of the 20 orders have one', () => {
    expect([1, 2, 3, 5].map(chanceOfWinner)).toEqual([1, 2 / 6, 2 / 20, 2 / 252]);
  });

  test('of the study is the better of two figures', () => {
    expect(studyWinnerOf('lower', { sync: 1, async: 2 })).toBe('sync');
    expect(studyWinnerOf('higher', { sync: 1, async: 2 })).toBe('async');
    expect(studyWinnerOf('higher', { sync: 2, async: 2 })).toBe('tie');
  });
});
