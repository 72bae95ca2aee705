import { describe, expect, test } from '@jest/globals';
import type { ArrivalsResult } from '../lib/arrivals.ts';
import type { BacklogResult } from '../lib/backlog.ts';
import { medianRun, type LoadResult, type RaceResult, type Trend } from '../lib/results.ts';
import { aTurn } from '../turns/testing/turns.ts';
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

/**
 * A round for each load of a stack, beside a limit of 1,500 journeys/s with a p95 of 300 ms. The yardstick reaches so many
 * requests/s; as the protocol has it, its turns are at the highest level only. With 0 there are none.
 */
function turnsOf(loads: LoadResult[], { yardstick = 10_000, stack = 'sync' } = {}): LimitPairs {
  const levels = [...new Set(loads.map(({ vus }) => vus))];
  const most = Math.max(...levels);
  const limit = aLoad({ requestsPerSecond: 10_000, journeysPerSecond: 1_500 });
  const turns = loads.flatMap((load, at) => {
    const { vus } = load;
    const turn = (side: string, of: LoadResult) => ({ pair: at + 1, vus, side, load: of, settledSeconds: 0 });
    return [
      turn(stack, load),
      turn('limit', limit),
      ...(yardstick > 0 && vus === most ? [turn('yardstick', aLoad({ requestsPerSecond: yardstick }))] : []),
    ];
  });
  return besideLimit({ turns, levels, discrepancies: [] }, stack, 2);
}
const crowd = (...loads: LoadResult[]) => ({ pairs: turnsOf(loads) });
const fifty = (load: Partial<LoadResult>) => ({ pairs: turnsOf([aLoad({ vus: 50, ...load })]) });
const usageOf = (...peaks: number[]) =>
  peaks.map((peakBytes, at) => ({ name: `order-${at + 1}`, cpuSeconds: 1, peakBytes }));

const verdictsOf = (more: Partial<BenchResult>) => judge(aResult(more));
/** Of a stack under one load. */
const verdictsOn = (stack: string, load: Partial<LoadResult>) =>
  verdictsOf({ stack, pairs: turnsOf([aLoad(load)], { stack }) });
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

  test('what is promised of a shared layout stands beside the limit', () => {
    const loads = [aLoad({ vus: 50 }), aLoad({ usage: usageOf(1) })];
    const pairs = turnsOf(loads, { stack: 'monolith', yardstick: 7_500 });
    expect(verdictsOf({ stack: 'monolith', pairs }).map(({ target }) => target)).toEqual([
      '500 shoppers: no request failed',
      "500 shoppers: request p95 at most 1.7 times the limit's",
      '500 shoppers: 0.31 of the yardstick',
      '500 shoppers: 0.36 of the yardstick',
      "500 shoppers: 0.8 of the limit's journeys",
      '500 shoppers: memory at most 1.2 GB',
      '50 shoppers: no request failed',
      '50 shoppers: p95 of reserve at most 60 ms (60 where the yardstick reaches 7500 requests/s; here 7500)',
      "50 shoppers: 0.5 of the limit's journeys",
    ]);
  });

  test('a separate layout has its latencies in ms, and no share of the limit with 50 shoppers', () => {
    const pairs = turnsOf([aLoad({ vus: 50 }), aLoad({ usage: usageOf(1) })]);
    expect(verdictsOf({ pairs }).map(({ target }) => target)).toEqual([
      '500 shoppers: no request failed',
      '500 shoppers: p95 below 400 ms',
      '500 shoppers: 0.25 of the yardstick',
      '500 shoppers: 0.36 of the yardstick',
      "500 shoppers: 0.42 of the limit's journeys",
      '500 shoppers: memory at most 2 GB',
      '50 shoppers: no request failed',
      '50 shoppers: p95 of reserve at most 60 ms',
    ]);
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
    const nothing = aLoad({ journeys: 0, journeysPerSecond: 0, all: undefined });
    expect(missed(verdictsOf(crowd(nothing)))).toEqual([
      '500 shoppers: no request failed',
      '500 shoppers: p95 below 400 ms',
      "500 shoppers: 0.42 of the limit's journeys",
    ]);
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
    const ofAsync = (load: Partial<LoadResult>) => missed(verdictsOn('async', load));
    expect(ofAsync({ all: aTrend(449) })).toEqual([]);
    expect(ofAsync({ all: aTrend(450) })).toEqual(['500 shoppers: p95 below 450 ms']);
    expect(ofAsync({ vus: 50, steps: { reserve: aTrend(80) } })).toEqual([]);
    expect(ofAsync({ vus: 50, steps: { reserve: aTrend(80.1) } })).toEqual([
      '50 shoppers: p95 of reserve at most 80 ms',
    ]);
  });

  test.each([
    { stack: 'monolith', vus: 500, share: 0.8, enough: 1_200 },
    { stack: 'sync:shared', vus: 500, share: 0.66, enough: 990 },
    { stack: 'async:shared', vus: 500, share: 0.52, enough: 780 },
    { stack: 'sync', vus: 500, share: 0.42, enough: 630 },
    { stack: 'async', vus: 500, share: 0.3, enough: 450 },
    { stack: 'monolith', vus: 50, share: 0.5, enough: 750 },
    { stack: 'sync:shared', vus: 50, share: 0.4, enough: 600 },
    { stack: 'async:shared', vus: 50, share: 0.3, enough: 450 },
  ])("$stack with $vus shoppers has $share of the limit's journeys to reach", ({ stack, vus, share, enough }) => {
    const withRate = (journeysPerSecond: number) =>
      verdictsOn(stack, { vus, journeysPerSecond }).find(
        ({ target }) => target === `${vus} shoppers: ${share} of the limit's journeys`,
      );
    expect(withRate(enough)).toMatchObject({ measured: share.toFixed(3), met: true });
    expect(withRate(enough - 0.1)).toMatchObject({ met: false });
  });

  test.each([
    { stack: 'monolith', times: 1.7, enoughMs: 510 },
    { stack: 'sync:shared', times: 2.3, enoughMs: 690 },
    { stack: 'async:shared', times: 3, enoughMs: 900 },
  ])("$stack answers 500 shoppers within $times times the limit's p95", ({ stack, times, enoughMs }) => {
    const withP95 = (ms: number) =>
      verdictsOn(stack, { all: aTrend(ms) }).find(
        ({ target }) => target === `500 shoppers: request p95 at most ${times} times the limit's`,
      );
    expect(withP95(enoughMs)).toMatchObject({ measured: times.toFixed(3), met: true });
    expect(withP95(enoughMs + 0.1)).toMatchObject({ met: false });
  });

  test('without a ratio nothing that is promised beside the limit is met, and the reason is given', () => {
    const loads = [aLoad({ vus: 50, journeysPerSecond: 1_500 }), aLoad({ journeysPerSecond: 1_500 })];
    const pairs = turnsOf(loads, { stack: 'monolith', yardstick: 20_001 });
    const verdicts = verdictsOf({ stack: 'monolith', pairs }).filter(({ target }) => target.includes('the limit'));
    const notGiven = { measured: expect.stringContaining('the limit reached 0.50'), met: false };
    expect(verdicts).toEqual([
      { target: "500 shoppers: request p95 at most 1.7 times the limit's", ...notGiven },
      { target: "500 shoppers: 0.8 of the limit's journeys", ...notGiven },
      { target: "50 shoppers: 0.5 of the limit's journeys", ...notGiven },
    ]);
  });

  test.each([
    { stack: 'monolith', bytes: 1.2e9 },
    { stack: 'sync:shared', bytes: 1.2e9 },
    { stack: 'async:shared', bytes: 1.2e9 },
    { stack: 'sync', bytes: 2e9 },
    { stack: 'async', bytes: 2e9 },
  ])('the processes of $stack together have at most $bytes bytes, with 500 shoppers', ({ stack, bytes }) => {
    const ofPeaks = (...turns: number[][]) => {
      const loads = turns.map((peaks) => aLoad({ usage: usageOf(...peaks) }));
      return verdictsOf({ stack, pairs: turnsOf(loads, { stack }) }).find(
        ({ target }) => target === `500 shoppers: memory at most ${bytes / 1e9} GB`,
      );
    };
    expect(ofPeaks([1, 2], [bytes / 2, bytes / 2])).toMatchObject({ met: true });
    // Whichever turn it was.
    expect(ofPeaks([1, 2], [bytes / 2, bytes / 2 + 1], [3])).toMatchObject({ met: false });
    expect(ofPeaks([])).toBeUndefined();
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

  test('50 shoppers: reserve within 60 ms', () => {
    expect(missed(verdictsOf(fifty({ steps: { reserve: aTrend(60) } })))).toEqual([]);
    expect(missed(verdictsOf(fifty({ steps: { reserve: aTrend(60.1) } })))).toHaveLength(1);
    expect(missed(verdictsOf(fifty({ steps: {} })))).toHaveLength(1);
  });

  test.each([
    { stack: 'monolith', yardstick: 7_500, limitMs: 60 },
    { stack: 'sync:shared', yardstick: 7_500, limitMs: 80 },
    { stack: 'async:shared', yardstick: 7_500, limitMs: 100 },
    { stack: 'monolith', yardstick: 15_000, limitMs: 30 },
    { stack: 'monolith', yardstick: 5_000, limitMs: 90 },
    { stack: 'monolith', yardstick: 8_000, limitMs: 56.3 },
    { stack: 'monolith', yardstick: 0, limitMs: 60 },
    { stack: 'sync', yardstick: 15_000, limitMs: 60 },
    { stack: 'async', yardstick: 15_000, limitMs: 80 },
  ])('50 shoppers, $stack: reserve within $limitMs ms where the yardstick reaches $yardstick', (given) => {
    const { stack, yardstick, limitMs } = given;
    const reserve = (ms: number) => {
      // The yardstick has its turns with the most shoppers.
      const pairs = turnsOf([aLoad({ vus: 50, steps: { reserve: aTrend(ms) } }), aLoad()], { stack, yardstick });
      return verdictsOf({ stack, pairs }).find(({ target }) =>
        target.startsWith(`50 shoppers: p95 of reserve at most ${limitMs} ms`),
      );
    };
    expect(reserve(limitMs)).toMatchObject({ met: true });
    expect(reserve(limitMs + 0.05)).toMatchObject({ met: false });
  });

  test('how fast the machine is, the median of the turns of the yardstick tells', () => {
    const pairs = turnsOf([aLoad({ vus: 50 }), aLoad()], { stack: 'monolith', yardstick: 15_000 });
    const more = [1_000, 30_000].map((requestsPerSecond) =>
      aTurn({ pair: 9, side: 'yardstick', load: { requestsPerSecond } }),
    );
    const verdicts = verdictsOf({ stack: 'monolith', pairs: { ...pairs, turns: [...pairs.turns, ...more] } });
    expect(verdicts.map(({ target }) => target)).toContain(
      '50 shoppers: p95 of reserve at most 30 ms (60 where the yardstick reaches 7500 requests/s; here 15000)',
    );
  });

  test('one shopper: the whole journey within 40 ms, in every stack', () => {
    for (const stack of ['sync', 'async', 'sync:shared', 'async:shared', 'monolith', 'given']) {
      const journey = (p95: number) => missed(verdictsOf({ stack, one: aLoad({ journey: aTrend(p95) }) }));
      expect(journey(40)).toEqual([]);
      expect(journey(40.1)).toEqual(['one shopper: p95 of the journey at most 40 ms']);
    }
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
