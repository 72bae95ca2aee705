import { describe, expect, test } from '@jest/globals';
import { compare, problemsOf, type Compared } from './judge.ts';
import { choiceNamed } from '../lib/options.ts';
import { verdictLine } from './report.ts';
import type { Turn } from '../turns/results.ts';
import { aTurn, turnsInPairs } from '../turns/testing/turns.ts';
import type { AgainstResult } from './results.ts';

const ratesOf = (compared: Compared[]) => compared.find(({ measure }) => measure === 'journeys')!;
const equal: [number, number][] = Array.from({ length: 5 }, () => [100, 100]);
const slow: [number, number][] = [
  [96, 100],
  [48, 50],
  [101, 100],
  [120, 125],
  [10, 11],
];

function aResult(turns: Turn[], more: Partial<AgainstResult> = {}): AgainstResult {
  const measured: AgainstResult = {
    startedAt: '2026-01-01T00:00:00.000Z',
    ...choiceNamed('async'),
    quick: false,
    planned: { levels: [500], pairs: 5, seconds: 10 },
    machine: { cpu: '', cores: 2, memoryBytes: 0, system: '', node: '', k6: '', commit: '' },
    sides: { this: { commit: 'a', settings: [] }, that: { commit: 'b', settings: [] } },
    turns,
    audit: { passed: true, output: '' },
    compared: compare([500], turns),
    problems: [],
    ...more,
  };
  return { ...measured, problems: problemsOf(measured) };
}

describe('turns in pairs', () => {
  test('each ratio is that of one pair, so that a machine that grows slower changes none', () => {
    const found = ratesOf(compare([500], turnsInPairs([[100, 100], [50, 50], [25, 25]]))); // prettier-ignore
    expect(found.ratio).toMatchObject({ median: 1, min: 1, max: 1, pairs: 3 });
    expect(found.medians).toEqual({ this: 50, that: 50 });
  });

  test('above 1 this tree is the better one, also where less is better', () => {
    const half = aTurn({ pair: 1, side: 'that', load: { journeysPerSecond: 50, journeys: 500 } });
    const found = compare([500], [aTurn({ pair: 1, side: 'this' }), half]);
    expect(ratesOf(found).ratio.median).toBe(2);
    expect(found.find(({ measure }) => measure === 'CPU a journey')!.ratio.median).toBe(2);
  });

  test('levels are compared by themselves, and half a pair is not', () => {
    const turns = [
      ...turnsInPairs([[100, 50]], 50),
      ...turnsInPairs([[100, 200]], 500),
      aTurn({ pair: 2, side: 'this', vus: 50 }),
    ];
    const found = compare([50, 500], turns).filter(({ measure }) => measure === 'journeys');
    expect(found.map(({ vus, ratio }) => [vus, ratio.median, ratio.pairs])).toEqual([
      [50, 2, 1],
      [500, 0.5, 1],
    ]);
  });

  test('whatever a process that is no server is called, it is Node; what nobody used is left out', () => {
    const found = compare([500], turnsInPairs([[100, 100]])).filter(({ unit }) => unit === 'ms');
    const cpu = found.filter(({ measure }) => !/ p\d\d$/.test(measure));
    expect(cpu.map(({ measure, medians }) => [measure, medians.this])).toEqual([
      ['CPU a journey', 10],
      ['… node', 8],
      ['… postgres', 2],
    ]);
  });
});

describe('the verdict', () => {
  test('equal trees: nothing is wrong', () => {
    const result = aResult(turnsInPairs(equal));
    expect(result.problems).toEqual([]);
    expect(verdictLine(result)).toMatch(/^verdict: not slower; lowest 500 shoppers, /);
  });

  test('slower is what is below 0.97 by the median, whatever a single pair says', () => {
    const result = aResult(turnsInPairs(slow));
    expect(result.problems).toContain('SLOWER: 500 shoppers, journeys: 0.960 (0.909 to 1.010 with 94 %)');
    expect(verdictLine(result)).toMatch(/^verdict: SLOWER, below 0.97: 500 shoppers, .*: 0.960 /);
  });

  test('a higher percentile alone decides nothing', () => {
    const steps = { reserve: { avg: 1, min: 1, med: 1, p90: 999, p95: 999, p99: 999, max: 999 } };
    const turns = turnsInPairs(equal).map((turn) =>
      turn.side === 'this' ? { ...turn, load: { ...turn.load, steps } } : turn,
    );
    expect(aResult(turns).problems).toEqual([]);
  });

  test('a quick look judges no speed, but failures', () => {
    const result = aResult(turnsInPairs(slow), { quick: true });
    expect(result.problems).toEqual([]);
    expect(verdictLine(result)).toMatch(/^verdict: none, this was a look; lowest /);
    const failed = [...turnsInPairs(slow), aTurn({ pair: 6, side: 'that', load: { failed: 2, wrong: 1 } })];
    expect(aResult(failed, { quick: true }).problems).toEqual(['that tree: 2 requests failed, 1 answers were wrong']);
  });

  test.each<[Partial<AgainstResult>, string]>([
    [{ audit: { passed: false, output: '' } }, 'audit of this tree: FAILED'],
    [{ audit: 'no' }, 'audit of this tree: not run: no'],
    [{ brokenOff: 'stopped by SIGINT', audit: 'no' }, 'broken off: stopped by SIGINT'],
  ])('%o is a problem', (more, problem) => {
    const result = aResult(turnsInPairs(equal), more);
    expect(result.problems).toEqual([problem]);
    expect(verdictLine(result)).not.toMatch(/not slower;/);
  });

  test('a side that does nothing is no fast one', () => {
    const idle = { journeys: 0, journeysPerSecond: 0 };
    const turns = turnsInPairs(equal).map((turn) =>
      turn.side === 'that' ? { ...turn, load: { ...turn.load, ...idle } } : turn,
    );
    expect(aResult(turns).problems).toEqual(['that tree: not one journey came to its end in 5 of 5 turns']);
  });
});
