import { describe, expect, test } from '@jest/globals';
import type { AfterSecond } from '../lib/arrivals.ts';
import { judgeOpen, secondsToNormal } from './judge.ts';
import type { OpenLevel } from './results.ts';

const aTrend = (p95: number) => ({ avg: p95, min: p95, med: p95, p90: p95, p95, p99: p95, max: p95 });
const aLevel = (percent: number, more: Partial<OpenLevel> = {}): OpenLevel => ({
  round: 1,
  percent,
  name: `${percent} %`,
  rate: percent,
  seconds: 10,
  arrived: 10 * percent,
  dropped: 0,
  shed: 0,
  shedAtCart: 0,
  refusal: undefined,
  journeysPerSecond: Math.min(percent, 100),
  wrong: 0,
  steps: {},
  journey: aTrend(100),
  after: [],
  usage: [],
  k6CpuSeconds: 1,
  complaints: '',
  ...more,
});
const second = (p95: number, shed = 0): AfterSecond => ({ arrived: 10, shed, journey: aTrend(p95) });
const missed = (levels: OpenLevel[], capacities = [100]) =>
  judgeOpen({ levels, capacities })
    .filter(({ met }) => !met)
    .map(({ target }) => target.replace(/:? .*/, ''));

describe('judging an open load', () => {
  test('says nothing of what was not measured', () => {
    expect(judgeOpen({ levels: [], capacities: [] })).toEqual([]);
    expect(judgeOpen({ levels: [aLevel(25)], capacities: [100] }).map(({ target }) => target)).toHaveLength(2);
  });

  test('a failure is missed at every level, a refusal only where all could be served', () => {
    expect(missed([aLevel(25), aLevel(100, { shed: 5 }), aLevel(150, { shed: 500 })])).toEqual([]);
    expect(missed([aLevel(75, { shed: 1 })])).toEqual(['up']);
    expect(missed([aLevel(150, { wrong: 1 })])).toEqual(['nobody']);
  });

  test('beyond the capacity it sells 0.85 of the best of its round, be that a closed loop', () => {
    const at = (journeysPerSecond: number, capacity = 100) =>
      missed([aLevel(100), aLevel(150, { journeysPerSecond })], [capacity]);
    expect(at(85)).toEqual([]);
    expect(at(84)).toEqual(['beyond']);
    expect(at(85, 101)).toEqual(['beyond']);
  });

  test('which nobody knows of a load to which few came', () => {
    const arrived = (arrived: number) => missed([aLevel(100), aLevel(150, { arrived })]);
    expect(arrived(1_425)).toEqual([]);
    expect(arrived(1_424)).toEqual(['beyond']);
  });

  test('of several rounds the median counts, each beside its own best', () => {
    const round = (number: number, goodput: number) => [
      aLevel(100, { round: number }),
      aLevel(150, { round: number, journeysPerSecond: goodput }),
    ];
    const levels = [...round(1, 50), ...round(2, 90), ...round(3, 95)];
    expect(missed(levels, [100, 100, 100])).toEqual([]);
    // One to which too few came does not count.
    expect(
      missed([...round(1, 50), aLevel(100, { round: 2 }), aLevel(150, { round: 2, arrived: 9 })], [100, 100]),
    ).toEqual(['beyond']);
    expect(
      missed(
        [...round(1, 90), aLevel(100, { round: 2 }), aLevel(150, { round: 2, arrived: 9, journeysPerSecond: 1 })],
        [100, 100],
      ),
    ).toEqual([]);
    expect(missed(levels, [100, 200, 200])).toEqual(['beyond']);
  });
});

describe('back to normal', () => {
  test('is from when on all who come are served as before the crowd', () => {
    const to = (...after: AfterSecond[]) => secondsToNormal({ after }, 100);
    expect(to(second(90), second(200))).toBe(0);
    expect(to(second(900), second(201), second(200), second(90))).toBe(2);
    expect(to(second(90), second(90, 1), second(90))).toBe(2);
    expect(to(second(90), second(201))).toBeUndefined();
    expect(to(second(90), { arrived: 0, shed: 0, journey: undefined }, second(90))).toBe(2);
    expect(secondsToNormal({ after: [second(1)] }, undefined)).toBeUndefined();
  });

  test('within five seconds, in every round', () => {
    const after = (slow: number) => Array.from({ length: 10 }, (_, at) => second(at < slow ? 900 : 100));
    const levels = (slow: number) => [aLevel(25), aLevel(150, { after: after(slow) })];
    expect(missed(levels(5))).toEqual([]);
    expect(missed(levels(6))).toEqual(['after']);
    expect(missed(levels(10))).toEqual(['after']);
  });
});
