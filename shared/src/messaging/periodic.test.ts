import { afterEach, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { periodically } from './periodic.ts';

const log = pino({ level: 'silent' });
const running: ReturnType<typeof periodically>[] = [];
afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

function start(task: () => Promise<unknown>, options: { atOnce?: boolean } = {}) {
  jest.useFakeTimers();
  const started = periodically({ name: 'task', everyMs: 1_000, log, task, ...options });
  running.push(started);
  return started;
}

test('comes again and again, a tenth earlier or later, and first when it is due', async () => {
  let turns = 0;
  start(() => Promise.resolve((turns += 1)));
  await jest.advanceTimersByTimeAsync(899);
  expect(turns).toBe(0);
  await jest.advanceTimersByTimeAsync(11_001);
  expect(turns).toBeGreaterThanOrEqual(10);
  expect(turns).toBeLessThanOrEqual(13);
});

test('comes at once where that is asked for', async () => {
  let turns = 0;
  start(() => Promise.resolve((turns += 1)), { atOnce: true });
  await jest.advanceTimersByTimeAsync(0);
  expect(turns).toBe(1);
});

test('goes on after a failure', async () => {
  let turns = 0;
  start(() => Promise.reject(new Error(`failure ${(turns += 1)}`)));
  await jest.advanceTimersByTimeAsync(3_300);
  expect(turns).toBeGreaterThanOrEqual(2);
});

test('who is woken comes now, once, and then at the usual pace', async () => {
  let turns = 0;
  const woken = start(() => Promise.resolve((turns += 1)));
  woken.wake();
  woken.wake();
  await jest.advanceTimersByTimeAsync(0);
  expect(turns).toBe(1);
  await jest.advanceTimersByTimeAsync(899);
  expect(turns).toBe(1);
  await jest.advanceTimersByTimeAsync(202);
  expect(turns).toBe(2);
});

test('who is woken at work comes once more afterwards, and never beside itself', async () => {
  let [turns, atOnce, most] = [0, 0, 0];
  const gate = Promise.withResolvers<void>();
  const woken = start(
    async () => {
      turns += 1;
      atOnce += 1;
      most = Math.max(most, atOnce);
      await gate.promise;
      atOnce -= 1;
    },
    { atOnce: true },
  );
  await jest.advanceTimersByTimeAsync(0);
  woken.wake();
  woken.wake();
  await jest.advanceTimersByTimeAsync(5_000);
  expect(turns).toBe(1);
  gate.resolve();
  await jest.advanceTimersByTimeAsync(0);
  expect([turns, most]).toEqual([2, 1]);
});

test('who is stopped comes no more; what is under way is waited for', async () => {
  let done = false;
  const gate = Promise.withResolvers<void>();
  const one = start(() => gate.promise.then(() => (done = true)), { atOnce: true });
  await jest.advanceTimersByTimeAsync(0);
  const stopped = one.stop().then(() => done);
  gate.resolve();
  expect(await stopped).toBe(true);
  one.wake();
  await jest.advanceTimersByTimeAsync(5_000);

  const resting = start(() => Promise.reject(new Error('not to come')));
  await resting.stop();
});
