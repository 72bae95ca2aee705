import { describe, expect, test } from '@jest/globals';
import type { Turn } from '../turns/results.ts';
import { aTurn } from '../turns/testing/turns.ts';
import { besideLimit } from './limit-pairs.ts';

/** Rounds on a machine that grows slower; the limit has an idle stack beside it, which takes a tenth of the machine. */
const rounds = (limitOfYardstick = 0.6): Turn[] =>
  [1, 0.8, 0.5].flatMap((speed, at) => [
    aTurn({ pair: at + 1, side: 'yardstick', rate: 1_000 * speed }),
    aTurn({
      pair: at + 1,
      side: 'limit',
      rate: 1_000 * limitOfYardstick * speed,
      beside: { cpuSeconds: 2, seconds: 10 },
    }),
    aTurn({ pair: at + 1, side: 'sync', rate: 180 * speed, beside: { cpuSeconds: 0, seconds: 10 } }),
  ]);
const beside = (turns: Turn[], discrepancies: string[] = []) =>
  besideLimit({ turns, levels: [500], discrepancies }, 'sync', 2);
const journeysOf = (turns: Turn[]) => beside(turns).beside.find(({ measure }) => measure === 'journeys')!;

describe('a stack beside the limit', () => {
  test('is so many times the limit, pair by pair, however the machine changes', () => {
    expect(journeysOf(rounds()).raw).toMatchObject({ median: 0.3, min: 0.3, max: 0.3, pairs: 3 });
    expect(journeysOf(rounds()).medians).toEqual({ limit: 480, stack: 144 });
  });

  test('loses what the limit could not have because the stack stood beside it', () => {
    expect(journeysOf(rounds()).corrected.median).toBeCloseTo(0.3 * 0.9);
  });

  test('has its latencies beside those of the limit, too', () => {
    const slower = rounds().map((turn) =>
      turn.side === 'sync' ? { ...turn, load: { ...turn.load, all: { ...turn.load.all!, p95: 350 } } } : turn,
    );
    const p95 = beside(slower).beside.find(({ measure }) => measure === 'request p95')!;
    expect(p95.raw.median).toBe(3.5);
    expect(p95.medians).toEqual({ limit: 100, stack: 350 });
  });
});

describe('no ratio is given', () => {
  const reason = (turns: Turn[], discrepancies: string[] = []) => {
    const { noRatio, beside: ratios } = beside(turns, discrepancies);
    expect(ratios).toEqual([]);
    return noRatio;
  };

  test('where the limit is weak: half of the yardstick is the least', () => {
    expect(beside(rounds(0.5)).noRatio).toBeUndefined();
    expect(reason(rounds(0.49))).toContain('the limit reached 0.49 of the yardstick');
  });

  test('where the limit failed, or did nothing', () => {
    for (const load of [{ failed: 1 }, { wrong: 1 }, { journeys: 0 }]) {
      const turns = rounds().map((turn, at) => (at === 1 ? { ...turn, load: { ...turn.load, ...load } } : turn));
      expect(reason(turns)).toBe('the limit failed in 1 of 3 turns');
    }
  });

  test('where nobody knows what the processes of the stack take of this machine, if they are on it at all', () => {
    const { noRatio, beside: ratios } = besideLimit(
      { turns: rounds(), levels: [500], discrepancies: [] },
      'sync',
      2,
      false,
    );
    expect([noRatio, ratios]).toEqual([expect.stringContaining('--stack-file'), []]);
  });

  test('where the limit was not exact', () => {
    expect(reason(rounds(), ['product 1 has 3 held'])).toBe('the limit is not exact: product 1 has 3 held');
  });

  test('without a yardstick in the same round', () => {
    expect(reason(rounds().filter(({ side }) => side !== 'yardstick'))).toContain('not measured in one round');
  });
});
