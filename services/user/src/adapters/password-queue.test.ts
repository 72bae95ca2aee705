import { describe, expect, test } from '@jest/globals';
import { PasswordQueue, type Priority } from './password-queue.ts';

const gate = () => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { work: () => promise, open: resolve, fail: reject };
};
const maxWaitMs = 60_000;
const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('the password queue', () => {
  test('runs as many as it may, the others in order of arrival', async () => {
    const queue = new PasswordQueue({ concurrency: 2, maxQueued: 10, maxWaitMs });
    const started: number[] = [];
    const gates = [gate(), gate(), gate(), gate()];
    const all = gates.map(({ work }, index) => queue.run('fresh', () => (started.push(index), work())));
    await turns();
    expect(started).toEqual([0, 1]);
    gates[1]!.open('b');
    await turns();
    expect(started).toEqual([0, 1, 2]);
    for (const { open } of gates) open('x');
    expect(await Promise.all(all)).toEqual(['x', 'b', 'x', 'x']);
  });

  test('turns away what does not fit in its queue, and takes more once there is room', async () => {
    const queue = new PasswordQueue({ concurrency: 1, maxQueued: 1, maxWaitMs });
    const [first, second] = [gate(), gate()];
    const running = queue.run('fresh', first.work);
    const waiting = queue.run('fresh', second.work);
    await expect(queue.run('fresh', () => Promise.resolve())).rejects.toMatchObject({
      code: 'overloaded',
      retryAfterSeconds: 5,
    });
    first.open('done');
    await running;
    second.open('done');
    await waiting;
    expect(await queue.run('fresh', () => Promise.resolve('again'))).toBe('again');
  });

  test('turns away who has waited too long, and nobody else', async () => {
    const queue = new PasswordQueue({ concurrency: 1, maxQueued: 2, maxWaitMs: 30 });
    const first = gate();
    const running = queue.run('fresh', first.work);
    await expect(queue.run('fresh', () => Promise.resolve('late'))).rejects.toMatchObject({ code: 'overloaded' });
    const waiting = queue.run('fresh', () => Promise.resolve('in time'));
    first.open('done');
    expect(await running).toBe('done');
    expect(await waiting).toBe('in time');
  });

  test('frees its place when the work fails', async () => {
    const queue = new PasswordQueue({ concurrency: 1, maxQueued: 1, maxWaitMs });
    const failing = gate();
    const failed = queue.run('fresh', failing.work);
    const next = queue.run('fresh', () => Promise.resolve('next'));
    failing.fail(new Error('broken'));
    await expect(failed).rejects.toThrow('broken');
    expect(await next).toBe('next');
  });

  test('serves by priority, and within one by arrival', async () => {
    const queue = new PasswordQueue({ concurrency: 1, maxQueued: 10, maxWaitMs });
    const first = gate();
    const running = queue.run('doubtful', first.work);
    const served: string[] = [];
    const arrivals: [Priority, string][] = [
      ['doubtful', 'd1'],
      ['fresh', 'f1'],
      ['known', 'k1'],
      ['doubtful', 'd2'],
      ['known', 'k2'],
      ['fresh', 'f2'],
    ];
    const all = arrivals.map(([priority, name]) =>
      queue.run(priority, () => (served.push(name), Promise.resolve(name))),
    );
    first.open('done');
    await Promise.all([running, ...all]);
    expect(served).toEqual(['k1', 'k2', 'f1', 'f2', 'd1', 'd2']);
  });

  test('when full, the last of the lowest priority makes room for a higher one, and nobody for his like', async () => {
    const queue = new PasswordQueue({ concurrency: 1, maxQueued: 3, maxWaitMs });
    const first = gate();
    const running = queue.run('fresh', first.work);
    const served: string[] = [];
    const come = (priority: Priority, name: string) =>
      queue.run(priority, () => (served.push(name), Promise.resolve(name))).catch(() => served.push(`${name} shed`));
    const all = [come('doubtful', 'd1'), come('doubtful', 'd2'), come('fresh', 'f1'), come('doubtful', 'd3')];
    all.push(come('fresh', 'f2'), come('known', 'k1'), come('fresh', 'f3'), come('known', 'k2'), come('known', 'k3'));
    all.push(come('known', 'k4'));
    first.open('done');
    await Promise.all([running, ...all]);
    expect(served.filter((name) => !name.endsWith('shed'))).toEqual(['k1', 'k2', 'k3']);
    const shed = ['d1', 'd2', 'd3', 'f1', 'f2', 'f3', 'k4'].map((name) => `${name} shed`);
    expect(served.filter((name) => name.endsWith('shed')).sort()).toEqual(shed);
  });
});
