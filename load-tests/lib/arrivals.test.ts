import { expect, test } from '@jest/globals';
import { arrivalsFigures, shoppersFor } from './arrivals.ts';
import { cpuSecondsSince } from './load.ts';

const trend = (ms: number) => ({ avg: ms, min: ms, med: ms, 'p(90)': ms, 'p(95)': ms, 'p(99)': ms, max: ms });

test('what came in the measured time is told apart from what came before and after', () => {
  const figures = arrivalsFigures(
    {
      metrics: {
        arrived: { count: 1_700 },
        'arrived{phase:load}': { count: 1_500 },
        'arrived{phase:after-0}': { count: 20 },
        'shed{phase:load}': { count: 400 },
        'shed{phase:load,name:create cart}': { count: 30 },
        'shed{phase:after-0}': { count: 3 },
        'journeys{phase:load}': { count: 1_000 },
        wrong: { count: 2 },
        dropped_iterations: { count: 7 },
        'journey_duration{phase:load}': trend(900),
        'journey_duration{phase:after-0}': trend(800),
        'journey_duration{phase:after-1}': trend(0),
        'http_req_duration{phase:load,name:log in,expected_response:true}': trend(50),
        'http_req_duration{phase:load,name:pay,expected_response:true}': trend(300),
      },
    },
    10,
    2,
  );
  expect(figures).toMatchObject({
    arrived: 1_500,
    shed: 400,
    shedAtCart: 30,
    journeysPerSecond: 100,
    wrong: 2,
    dropped: 7,
  });
  expect(Object.entries(figures.steps).map(([name, { p95 }]) => [name, p95])).toEqual([
    ['log in', 50],
    ['pay', 300],
  ]);
  expect(figures.after).toMatchObject([
    { arrived: 20, shed: 3, journey: { p95: 800 } },
    { arrived: 0, shed: 0, journey: undefined },
  ]);
});

test('k6 has shoppers for as long as a journey may take, within bounds', () => {
  expect([1, 100, 10_000].map(shoppersFor)).toEqual([50, 900, 3_000]);
});

test('the processor time of a race is that from its start on', () => {
  const sample = (atMs: number, ...seconds: number[]) => ({
    atMs,
    trees: seconds.map((cpuSeconds, at) => ({ name: `${at}`, cpuSeconds, bytes: 0 })),
  });
  const samples = [sample(0, 1, 1), sample(1_000, 5, 3), sample(2_000, 5, 3.5), sample(3_000, 6, 5)];
  expect(cpuSecondsSince(1_500, samples)).toBe(3);
  expect([cpuSecondsSince(undefined, samples), cpuSecondsSince(9_000, samples)]).toEqual([undefined, undefined]);
  expect(cpuSecondsSince(1_500, [sample(0), sample(2_000)])).toBeUndefined();
});
