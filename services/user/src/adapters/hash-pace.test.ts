import { expect, test } from '@jest/globals';
import { HashPace } from './hash-pace.ts';

function aPace(options: { concurrency: number; hashMs: number }) {
  let nowMs = 1_000;
  const pace = new HashPace({ memoryMs: 5_000, ...options, clock: () => nowMs });
  return {
    turnMs: () => pace.turnMs,
    pass: (ms: number) => (nowMs += ms),
    /** So many besides, one every so many ms. */
    besides: (times: number, everyMs: number) => {
      for (let index = 0; index < times; index += 1) {
        nowMs += everyMs;
        pace.doneBesides();
      }
    },
    /** So many in a row, as fast as they are done. */
    hashes: (times: number, tookMs: number) => {
      for (let index = 0; index < times; index += 1) {
        nowMs += tookMs / options.concurrency;
        pace.done(tookMs);
      }
    },
  };
}

test('is at first what the machine can do if nothing else runs', () => {
  expect(aPace({ concurrency: 4, hashMs: 20 }).turnMs()).toBeCloseTo(5);
});

test('follows what is reached', () => {
  const pace = aPace({ concurrency: 2, hashMs: 20 });
  pace.hashes(200, 200); // 20 s beside a sale
  expect(pace.turnMs()).toBeGreaterThan(80);
  pace.hashes(2_000, 20);
  expect(pace.turnMs()).toBeLessThan(10.5);
});

test('the moment in which a crowd arrives hardly counts, though most of it is told then how long it takes', () => {
  const pace = aPace({ concurrency: 2, hashMs: 20 });
  pace.hashes(10, 200); // the first second
  expect(pace.turnMs()).toBeLessThan(12.5);
});

test('single log-ins say how fast it goes, too, each as little as a moment of a crowd', () => {
  const pace = aPace({ concurrency: 1, hashMs: 20 });
  pace.pass(10_000);
  pace.hashes(1, 400);
  expect(pace.turnMs()).toBeLessThan(21.5);
  for (let index = 0; index < 100; index += 1) {
    pace.pass(10_000);
    pace.hashes(1, 40);
  }
  expect(pace.turnMs()).toBeGreaterThan(39);
});

test('after a rest nothing of it counts', () => {
  const pace = aPace({ concurrency: 1, hashMs: 20 });
  pace.hashes(100, 400);
  pace.pass(29_000);
  expect(pace.turnMs()).toBeGreaterThan(200);
  pace.pass(2_000);
  expect(pace.turnMs()).toBeCloseTo(20);
});

test('what is done besides counts, too, while it is done', () => {
  const pace = aPace({ concurrency: 1, hashMs: 200 });
  pace.besides(200, 100);
  expect(pace.turnMs()).toBeCloseTo(66.7, -1); // fifteen in a second
  pace.pass(20_000);
  expect(pace.turnMs()).toBeGreaterThan(180);
});
