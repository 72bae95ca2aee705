import { describe, expect, test } from '@jest/globals';
import { compare, type Compared } from './judge.ts';
import { verdictLine } from './report.ts';
import { aTurn, turnsInPairs } from '../turns/testing/turns.ts';
import type { AgainstResult } from './results.ts';
import { aResult, besideRestless } from './testing/results.ts';

const cores = 2;
const ratesOf = (compared: Compared[]) => compared.find(({ measure }) => measure === 'journeys')!;
const equal: [number, number][] = Array.from({ length: 5 }, () => [100, 100]);
const slow: [number, number][] = [
  [96, 100],
  [48, 50],
  [101, 100],
  [120, 125],
  [10, 11],
];

describe('turns in pairs', () => {
  test('each ratio is that of one pair, so that a machine that grows slower changes none', () => {
    const found = ratesOf(compare([500], turnsInPairs([[100, 100], [50, 50], [25, 25]]), cores)); // prettier-ignore
    expect(found.corrected).toMatchObject({ median: 1, min: 1, max: 1, pairs: 3 });
    expect(found.medians).toEqual({ this: 50, that: 50 });
  });

  test('above 1 this tree is the better one, also where less is better', () => {
    const half = aTurn({ pair: 1, side: 'that', load: { journeysPerSecond: 50, journeys: 500 } });
    const found = compare([500], [aTurn({ pair: 1, side: 'this' }), half], cores);
    expect(ratesOf(found).corrected.median).toBe(2);
    expect(found.find(({ measure }) => measure === 'CPU a journey')!.corrected.median).toBe(2);
  });

  test('levels are compared by themselves, and half a pair is not', () => {
    const turns = [
      ...turnsInPairs([[100, 50]], 50),
      ...turnsInPairs([[100, 200]], 500),
      aTurn({ pair: 2, side: 'this', vus: 50 }),
    ];
    const found = compare([50, 500], turns, cores).filter(({ measure }) => measure === 'journeys');
    expect(found.map(({ vus, corrected }) => [vus, corrected.median, corrected.pairs])).toEqual([
      [50, 2, 1],
      [500, 0.5, 1],
    ]);
  });

  test('whatever a process that is no server is called, it is Node; what nobody used is left out', () => {
    const found = compare([500], turnsInPairs([[100, 100]]), cores).filter(({ unit }) => unit === 'ms');
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
    expect(result.problems).toContain('SLOWER: 500 shoppers, journeys: 0.960 (0.909 to 1.010 with 94 %; raw 0.960)');
    expect(verdictLine(result)).toMatch(/^verdict: SLOWER, below 0.97: 500 shoppers, .*: 0.960 /);
  });

  // By the raw ratios, each of the two verdicts would be the other one.
  test('equal trees are equal, however restless the other one is while this one has its turn', () => {
    const result = aResult(besideRestless('that', { this: 90, that: 100 }));
    expect(ratesOf(result.compared).raw.median).toBe(0.9);
    expect(ratesOf(result.compared).corrected.median).toBeCloseTo(1);
    expect(result.problems).toEqual([]);
    expect(verdictLine(result)).toMatch(/^verdict: not slower; /);
  });

  test('a slower tree is slower, however much it took from the turns of the other', () => {
    const result = aResult(besideRestless('this', { this: 95, that: 90 }));
    expect(ratesOf(result.compared).raw.median).toBeGreaterThan(1);
    expect(result.problems).toContain('SLOWER: 500 shoppers, journeys: 0.950 (0.950 to 0.950 with 94 %; raw 1.056)');
    expect(verdictLine(result)).toMatch(/^verdict: SLOWER, below 0.97: /);
  });

  test('latencies are corrected too, the processor time of a journey is not', () => {
    const { compared } = aResult(besideRestless('that', { this: 90, that: 100 }));
    const of = (name: string) => compared.find(({ measure }) => measure === name)!;
    expect(of('request p95').raw.median).toBe(1);
    expect(of('request p95').corrected.median).toBeCloseTo(1 / 0.9);
    expect(of('CPU a journey').corrected).toEqual(of('CPU a journey').raw);
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
