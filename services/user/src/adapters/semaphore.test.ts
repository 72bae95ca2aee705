import { describe, expect, test } from '@jest/globals';
import { Semaphore } from './semaphore.ts';

const gate = () => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { work: () => promise, open: resolve, fail: reject };
};
const longestWaitMs = 60_000;
const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('a semaphore', () => {
  test('runs as many as it may, the others in order of arrival', async () => {
    const semaphore = new Semaphore({ concurrency: 2, maxQueued: 10, longestWaitMs });
    const started: number[] = [];
    const gates = [gate(), gate(), gate(), gate()];
    const all = gates.map(({ work }, index) => semaphore.run(() => (started.push(index), work())));
    await turns();
    expect(started).toEqual([0, 1]);
    gates[1]!.open('b');
    await turns();
    expect(started).toEqual([0, 1, 2]);
    for (const { open } of gates) open('x');
    expect(await Promise.all(all)).toEqual(['x', 'b', 'x', 'x']);
  });

  test('turns away what does not fit in its queue, and takes more once there is room', async () => {
    const semaphore = new Semaphore({ concurrency: 1, maxQueued: 1, longestWaitMs });
    const [first, second] = [gate(), gate()];
    const running = semaphore.run(first.work);
    const waiting = semaphore.run(second.work);
    await expect(semaphore.run(() => Promise.resolve())).rejects.toMatchObject({
      code: 'overloaded',
      retryAfterSeconds: 5,
    });
    first.open('done');
    await running;
    second.open('done');
    await waiting;
    expect(await semaphore.run(() => Promise.resolve('again'))).toBe('again');
  });

  test('turns away who has waited too long, and nobody else', async () => {
    const semaphore = new Semaphore({ concurrency: 1, maxQueued: 2, longestWaitMs: 30 });
    const first = gate();
    const running = semaphore.run(first.work);
    await expect(semaphore.run(() => Promise.resolve('late'))).rejects.toMatchObject({ code: 'overloaded' });
    const waiting = semaphore.run(() => Promise.resolve('in time'));
    first.open('done');
    expect(await running).toBe('done');
    expect(await waiting).toBe('in time');
  });

  test('frees its place when the work fails', async () => {
    const semaphore = new Semaphore({ concurrency: 1, maxQueued: 1, longestWaitMs });
    const failing = gate();
    const failed = semaphore.run(failing.work);
    const next = semaphore.run(() => Promise.resolve('next'));
    failing.fail(new Error('broken'));
    await expect(failed).rejects.toThrow('broken');
    expect(await next).toBe('next');
  });
});
