import { describe, expect, test } from '@jest/globals';
import {
  countOf,
  crossedThresholds,
  failsOf,
  passesOf,
  ratePerSecondOf,
  tagValuesOf,
  trendOf,
  type K6Summary,
} from './k6-summary.ts';
import { loadFigures } from './load.ts';

const trend = { avg: 4.5, min: 0.1, med: 3.5, 'p(90)': 8.9, 'p(95)': 11.8, 'p(99)': 18.7, max: 70.4 };
const empty = { avg: 0, min: 0, med: 0, 'p(90)': 0, 'p(95)': 0, 'p(99)': 0, max: 0 };

/** As k6 2.2 exports it; `true` at a threshold means crossed. */
const summary: K6Summary = {
  metrics: {
    journeys: { count: 1_000, rate: 16.6, thresholds: { 'count>0': false } },
    checks: { passes: 5_998, fails: 2, value: 0.9997, thresholds: { 'rate==1': true } },
    http_reqs: { count: 6_002, rate: 100.1 },
    'http_reqs{scenario:default}': { count: 6_000, rate: 100, thresholds: { 'count>0': false } },
    http_req_duration: trend,
    'http_req_duration{scenario:default}': { ...trend, thresholds: { 'p(95)<10': true, 'max>=0': false } },
    'http_req_duration{name:pay}': { ...trend, 'p(95)': 20 },
    'http_req_duration{name:log in}': trend,
    'http_req_duration{name:reserve}': empty,
    'http_req_failed{scenario:default}': { passes: 3, fails: 5_997, value: 0.0005 },
    journey_duration: { ...trend, max: 200 },
  },
};

describe('a k6 summary', () => {
  test('gives counts, rates and both sides of a rate metric', () => {
    expect(countOf(summary, 'journeys')).toBe(1_000);
    expect(ratePerSecondOf(summary, 'journeys')).toBe(16.6);
    expect(passesOf(summary, 'http_req_failed{scenario:default}')).toBe(3);
    expect(failsOf(summary, 'checks')).toBe(2);
  });

  test('counts nothing where a metric is missing', () => {
    expect(countOf(summary, 'sold')).toBe(0);
    expect(trendOf(summary, 'sold_duration')).toBeUndefined();
  });

  test('gives the percentiles of a trend, and none for one without samples', () => {
    expect(trendOf(summary, 'http_req_duration')).toEqual({
      avg: 4.5,
      min: 0.1,
      med: 3.5,
      p90: 8.9,
      p95: 11.8,
      p99: 18.7,
      max: 70.4,
    });
    expect(trendOf(summary, 'http_req_duration{name:reserve}')).toBeUndefined();
  });

  test('knows the steps by their tag', () => {
    expect(tagValuesOf(summary, 'http_req_duration', 'name')).toEqual(['log in', 'pay', 'reserve']);
  });

  test('names the thresholds that did not hold', () => {
    expect(crossedThresholds(summary)).toEqual(['checks: rate==1', 'http_req_duration{scenario:default}: p(95)<10']);
  });
});

test('the figures of a load leave out what setup did', () => {
  const figures = loadFigures({ summary });
  expect(figures).toMatchObject({ requests: 6_000, requestsPerSecond: 100, journeys: 1_000, failed: 3, wrong: 2 });
  expect(Object.keys(figures.steps)).toEqual(['log in', 'pay']);
  expect(figures.steps.pay?.p95).toBe(20);
  expect(figures.journey?.max).toBe(200);
});
