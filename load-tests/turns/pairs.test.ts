import { describe, expect, test } from '@jest/globals';
import { journeys, measures, p95, requests } from './measures.ts';
import { pairsOf, quotients, undisturbed } from './pairs.ts';
import { aTurn } from './testing/turns.ts';

test('only turns of one round and one level are set beside each other', () => {
  const turns = [
    aTurn({ pair: 1, side: 'a', rate: 10 }),
    aTurn({ pair: 1, side: 'b', rate: 20 }),
    aTurn({ pair: 2, side: 'b', rate: 50 }),
    aTurn({ pair: 2, side: 'a', rate: 100 }),
    aTurn({ pair: 3, side: 'a', rate: 1 }),
    aTurn({ pair: 3, side: 'b', rate: 1, vus: 50 }),
  ];
  expect(quotients(pairsOf(turns, 500, ['a', 'b']), ({ load }) => load.journeysPerSecond)).toEqual([0.5, 2]);
});

describe('a turn as it would have been alone', () => {
  // Of two cores for ten seconds, the neighbour took a tenth.
  const turn = aTurn({ pair: 1, side: 'a', rate: 90, beside: { cpuSeconds: 2, seconds: 10 } });

  test('has the part of the machine that its neighbour took', () => {
    expect(undisturbed(journeys, turn, 2)).toBeCloseTo(100);
    expect(undisturbed(requests, turn, 2)).toBeCloseTo(600);
    expect(undisturbed(p95, turn, 2)).toBeCloseTo(90);
  });

  test('takes no less of the processors for a journey', () => {
    const cpu = measures.find(({ name }) => name === 'CPU a journey')!;
    expect(undisturbed(cpu, turn, 2)).toBe(cpu.of(turn.load));
  });

  test('is as it was where nothing is known of neighbours', () => {
    expect(undisturbed(journeys, aTurn({ pair: 1, side: 'a', rate: 90 }), 2)).toBe(90);
  });
});
