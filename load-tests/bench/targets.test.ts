import { describe, expect, test } from '@jest/globals';
import type { ArrivalsResult } from '../lib/arrivals.ts';
import type { BacklogResult } from '../lib/backlog.ts';
import { medianRun, type LoadResult, type RaceResult, type Trend } from '../lib/results.ts';
import { besideLimit } from './limit-pairs.ts';
import type { BenchResult, LimitPairs } from './results.ts';
import { judge, type Verdict } from './targets.ts';

const aTrend = (p95: number): Trend => ({ avg: p95, min: p95, med: p95, p90: p95, p95, p99: p95, max: p95 });

const aLoad = (more: Partial<LoadResult> = {}): LoadResult => ({
  name: 'load',
  vus: 500,
  seconds: 60,
  requests: 240_000,
  requestsPerSecond: 4_000,
  journeys: 40_000,
  journeysPerSecond: 666,
  failed: 0,
  wrong: 0,
  all: aTrend(300),
  steps: { reserve: aTrend(50) },
  journey: aTrend(55),
  usage: [],
  k6CpuSeconds: 30,
  complaints: '',
  ...more,
});

const aRace = (more: Partial<RaceResult> = {}): RaceResult => ({
  buyers: 2_000,
  stock: 100,
  sold: 100,
  soldOut: 1_900,
  other: 0,
  soldTrend: aTrend(300),
  soldOutTrend: aTrend(200),
  crossed: [],
  usage: [],
  complaints: '',
  ...more,
});

const anOpenLoad = (more: Partial<ArrivalsResult> = {}): ArrivalsResult => ({
  name: '75 %',
  rate: 100,
  seconds: 20,
  arrived: 2_000,
  dropped: 0,
  shed: 0,
  shedAtCart: 0,
  refusal: undefined,
  journeysPerSecond: 100,
  wrong: 0,
  steps: { reserve: aTrend(100) },
  journey: aTrend(300),
  after: [],
  usage: [],
  k6CpuSeconds: 5,
  complaints: '',
  ...more,
});

const aBacklog = (more: Partial<BacklogResult> = {}): BacklogResult => ({
  events: 50_000,
  eventsPerSecond: 5_000,
  seconds: 10,
  secondsFromStart: 11,
  secondsToOrders: 15,
  counted: { unitsHeld: 50_000, holds: 50_000, reservations: 50_000, orders: 50_000, payables: 50_000 },
  usage: [],
  ...more,
});

const aResult = (more: Partial<BenchResult>): Omit<BenchResult, 'verdicts'> => ({
  startedAt: '2026-01-01T00:00:00.000Z',
  stack: 'sync',
  url: 'http://127.0.0.1:8080',
  machine: { cpu: 'any', cores: 2, memoryBytes: 8e9, system: 'Linux', node: 'v24', k6: 'v2', commit: 'abc' },
  ...more,
});

/** Turns of the sync stack at one level; with so many requests/s of the yardstick in each round, if any. */
function turnsOf(
  loads: LoadResult[],
  { yardstick, stack = 'sync' }: { yardstick?: number; stack?: string } = {},
): LimitPairs {
  const turns = loads.flatMap((load, at) => {
    const turn = (side: string, of: LoadResult) => ({ pair: at + 1, vus: load.vus, side, load: of, settledSeconds: 0 });
    const limit = { ...aLoad(), requestsPerSecond: 10_000, journeysPerSecond: 1_600 };
    return [
      turn(stack, load),
      turn('limit', limit),
      ...(yardstick === undefined ? [] : [turn('yardstick', { ...aLoad(), requestsPerSecond: yardstick })]),
    ];
  });
  return besideLimit({ turns, levels: [loads[0]!.vus], discrepancies: [] }, stack, 2);
}
const crowd = (...loads: LoadResult[]) => ({ pairs: turnsOf(loads) });
const fifty = (load: Partial<LoadResult>) => ({ pairs: turnsOf([aLoad({ vus: 50, ...load })]) });

const verdictsOf = (more: Partial<BenchResult>) => judge(aResult(more));
const missed = (verdicts: Verdict[]) => verdicts.filter(({ met }) => !met).map(({ target }) => target);

describe('judging a benchmark', () => {
  test('says nothing of what was not measured', () => {
    expect(verdictsOf({})).toEqual([]);
    expect(verdictsOf({ audit: 'there is none' })).toEqual([]);
  });

  test('memory at rest is the sum of all processes, below 1.2 GB', () => {
    const idle = (pssBytes: number) => ['a', 'b'].map((name) => ({ name, pssBytes, rssBytes: 9e9 }));
    expect(missed(verdictsOf({ idle: idle(599e6) }))).toEqual([]);
    expect(missed(verdictsOf({ idle: idle(600e6) }))).toHaveLength(1);
  });

  test('a stack in fewer processes needs less', () => {
    const idle = [{ name: 'a', pssBytes: 450e6, rssBytes: 9e9 }];
    expect(missed(verdictsOf({ stack: 'monolith', idle }))).toEqual(['at rest: below 0.45 GB']);
    expect(missed(verdictsOf({ stack: 'monolith', idle: [{ ...idle[0]!, pssBytes: 449e6 }] }))).toEqual([]);
  });

  test('500 shoppers: none failed, p95 below 400 ms', () => {
    expect(missed(verdictsOf(crowd(aLoad())))).toEqual([]);
    expect(missed(verdictsOf(crowd(aLoad({ failed: 1 }))))).toEqual(['500 shoppers: no request failed']);
    expect(missed(verdictsOf(crowd(aLoad({ wrong: 1 }))))).toEqual(['500 shoppers: no request failed']);
    expect(missed(verdictsOf(crowd(aLoad({ all: aTrend(400) }))))).toEqual(['500 shoppers: p95 below 400 ms']);
  });

  test('a request that failed counts in whichever run it did', () => {
    const runs = [
      aLoad({ requestsPerSecond: 9_000, failed: 1 }),
      aLoad(),
      aLoad({ requestsPerSecond: 3_000, wrong: 1 }),
    ];
    expect(verdictsOf(crowd(...runs))[0]).toMatchObject({
      measured: '1 failed, 1 wrong, 120000 journeys',
      met: false,
    });
  });

  test('a load that got nothing done has failed', () => {
    const nothing = aLoad({ journeys: 0, all: undefined });
    expect(missed(verdictsOf(crowd(nothing)))).toHaveLength(2);
  });

  test('another number of shoppers has no target', () => {
    expect(verdictsOf(crowd(aLoad({ vus: 100, failed: 5 })))).toEqual([]);
  });

  test('the yardstick sets a target and an aim', () => {
    const against = (requestsPerSecond: number) =>
      verdictsOf({ pairs: turnsOf([aLoad()], { yardstick: requestsPerSecond }) }).filter(({ target }) =>
        target.includes('yardstick'),
      );
    expect(against(10_000).map(({ met }) => met)).toEqual([true, true]);
    expect(against(16_000).map(({ met, aim }) => [met, aim])).toEqual([
      [true, undefined],
      [false, true],
    ]);
    expect(against(16_001).map(({ met }) => met)).toEqual([false, false]);
  });

  test('the async stack has targets of its own', () => {
    const ofAsync = (load: LoadResult) => verdictsOf({ stack: 'async', pairs: turnsOf([load], { stack: 'async' }) });
    expect(missed(ofAsync(aLoad({ all: aTrend(449) })))).toEqual([]);
    expect(missed(ofAsync(aLoad({ all: aTrend(450) })))).toEqual(['500 shoppers: p95 below 450 ms']);
    expect(missed(ofAsync(aLoad({ vus: 50, steps: { reserve: aTrend(80) } })))).toEqual([]);
    expect(missed(ofAsync(aLoad({ vus: 50, steps: { reserve: aTrend(80.1) } })))).toHaveLength(1);
  });

  test('a stack whose processes hold all services has a share of the limit to reach', () => {
    const rate = (journeysPerSecond: number, yardstick = 20_000) =>
      verdictsOf({
        stack: 'monolith',
        pairs: turnsOf([aLoad({ journeysPerSecond })], { stack: 'monolith', yardstick }),
      }).find(({ target }) => target.includes('limit'));
    expect(rate(992)).toMatchObject({ target: "500 shoppers: 0.62 of the limit's journeys", met: true });
    expect(rate(991)).toMatchObject({ measured: '0.619', met: false });
    expect(rate(992, 20_001)).toMatchObject({
      measured: expect.stringContaining('the limit reached 0.50'),
      met: false,
    });
  });

  test('at rest the Node processes together take 6 % of a core at most; of PostgreSQL nothing is said', () => {
    const idle = (cores: number) => [
      { name: 'order-1', pssBytes: 1, rssBytes: 1, cores: cores / 2 },
      { name: 'order-2', pssBytes: 1, rssBytes: 1, cores: cores / 2 },
      { name: 'postgres', pssBytes: 1, rssBytes: 1, cores: 0.5 },
    ];
    expect(missed(verdictsOf({ idle: idle(0.06) }))).toEqual([]);
    expect(missed(verdictsOf({ idle: idle(0.062) }))).toEqual(['at rest: Node processes at most 6 % of a core']);
  });

  test('50 shoppers: reserve within 60 ms; one shopper: the whole journey', () => {
    expect(
      missed(verdictsOf({ ...fifty({ steps: { reserve: aTrend(60) } }), one: aLoad({ journey: aTrend(60) }) })),
    ).toEqual([]);
    expect(missed(verdictsOf(fifty({ steps: { reserve: aTrend(60.1) } })))).toHaveLength(1);
    expect(missed(verdictsOf(fifty({ steps: {} })))).toHaveLength(1);
    expect(missed(verdictsOf({ one: aLoad({ journey: aTrend(60.1) }) }))).toHaveLength(1);
    const async = (reserve: number) =>
      verdictsOf({ stack: 'async', one: aLoad({ journey: aTrend(70), steps: { reserve: aTrend(reserve) } }) });
    expect(missed(async(25))).toEqual([]);
    expect(missed(async(25.1))).toEqual(['one shopper: p95 of reserve at most 25 ms']);
  });

  test('the race is exact, and sold out is the faster answer', () => {
    expect(missed(verdictsOf({ race: aRace() }))).toEqual([]);
    for (const wrong of [{ sold: 101 }, { sold: 99, other: 1 }, { soldOut: 1_899 }, { crossed: ['checks: rate==1'] }]) {
      expect(missed(verdictsOf({ race: aRace(wrong) }))).toEqual(['race: exactly 100 sold, 1900 sold out']);
    }
    expect(missed(verdictsOf({ race: aRace({ soldOutTrend: aTrend(300) }) }))).toHaveLength(1);
  });

  test('without waiting, in a closed loop, none fails; how long it takes is shown', () => {
    const accepted = (p95: number) => [aLoad({ steps: { reserve: aTrend(p95) } })];
    expect(missed(verdictsOf({ accepted: accepted(10_000) }))).toEqual([]);
    expect(missed(verdictsOf({ accepted: [aLoad({ failed: 1 })] }))).toHaveLength(1);
    expect(verdictsOf({ accepted: [aLoad({ vus: 50 })] }).map(({ target }) => target)).toEqual([
      '50 shoppers who do not wait: no request failed',
    ]);
  });

  test('whether or not the shop keeps up: reserve is answered within 200 ms, and nobody is refused', () => {
    const open = (more: Partial<ArrivalsResult> = {}) => missed(verdictsOf({ open: anOpenLoad(more) }));
    const reserve = (p95: number) => ({ steps: { reserve: aTrend(p95) } });
    expect(open(reserve(200))).toEqual([]);
    expect(open(reserve(200.1))).toEqual([
      'shoppers at three quarters of the capacity: p95 of reserve without waiting at most 200 ms',
    ]);
    for (const wrong of [{ shed: 1 }, { wrong: 1 }, { arrived: 0 }])
      expect(open({ ...reserve(100), ...wrong })).toEqual([
        'shoppers at three quarters of the capacity: none refused, none failed',
      ]);
    expect(open({ steps: {} })).toHaveLength(1);
  });

  test('a refusal costs a third of a sale', () => {
    const saleForAll = aRace({ sold: 2_000, soldOut: 0, stock: 2_000, cpuSeconds: 6 });
    const of = (cpuSeconds: number) => missed(verdictsOf({ race: aRace({ cpuSeconds }), saleForAll }));
    // 100 sales for 3 ms each, and 1,900 refusals for 1 ms each.
    expect(of(2.2)).toEqual([]);
    expect(of(2.21)).toEqual(['race: a refusal takes at most 1/3 of the processor time of a sale']);
    const unknown = { race: aRace(), saleForAll: aRace({ sold: 2_000, soldOut: 0, stock: 2_000 }) };
    expect(verdictsOf(unknown)).toHaveLength(2);
  });

  test('a backlog is settled exactly, 5,000 a second', () => {
    expect(missed(verdictsOf({ backlog: aBacklog() }))).toEqual([]);
    expect(missed(verdictsOf({ backlog: aBacklog({ eventsPerSecond: 4_999 }) }))).toEqual([
      'backlog: at least 5000 a second',
    ]);
    const counted = { ...aBacklog().counted, orders: 49_999 };
    expect(missed(verdictsOf({ backlog: aBacklog({ counted }) }))).toHaveLength(1);
  });

  test('a failed audit is a missed target', () => {
    expect(missed(verdictsOf({ audit: { passed: false, output: '' } }))).toHaveLength(1);
    expect(missed(verdictsOf({ audit: { passed: true, output: '' } }))).toEqual([]);
  });
});

test('of several runs the median counts, of two the slower', () => {
  const run = (requestsPerSecond: number) => aLoad({ requestsPerSecond });
  expect(medianRun([run(3), run(1), run(2)])?.requestsPerSecond).toBe(2);
  expect(medianRun([run(3), run(1)])?.requestsPerSecond).toBe(1);
  expect(medianRun([])).toBeUndefined();
});
