import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { throttled } from './throttled.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function open(everyMs = 250) {
  const ranAtMs: number[] = [];
  const startedAtMs = performance.now();
  return { ask: throttled(() => void ranAtMs.push(performance.now() - startedAtMs), everyMs), ranAtMs };
}

test('who asks first is served at once', () => {
  const { ask, ranAtMs } = open();
  ask();
  expect(ranAtMs).toEqual([0]);
});

test('all who ask meanwhile are served together when the time is over, the last as well', () => {
  const { ask, ranAtMs } = open();
  ask();
  for (const pauseMs of [10, 100, 139]) {
    jest.advanceTimersByTime(pauseMs);
    ask();
  }
  expect(ranAtMs).toEqual([0]);
  jest.advanceTimersByTime(1);
  expect(ranAtMs).toEqual([0, 250]);
  jest.advanceTimersByTime(10_000);
  expect(ranAtMs).toEqual([0, 250]);
});

test('who asks all the time is served once in the time', () => {
  const { ask, ranAtMs } = open();
  for (let ms = 0; ms < 1_000; ms += 5) {
    ask();
    jest.advanceTimersByTime(5);
  }
  expect(ranAtMs).toEqual([0, 250, 500, 750, 1_000]);
});

test('whoever asks after a rest is served at once again', () => {
  const { ask, ranAtMs } = open();
  ask();
  jest.advanceTimersByTime(250);
  ask();
  expect(ranAtMs).toEqual([0, 250]);
});
