import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { AppError } from '@flash-sale/contract/errors.ts';
import { PasswordQueue, type PasswordQueueOptions, type Where } from './password-queue.ts';
import type { Caller } from './refusals.ts';
import type { Turns } from './turns.ts';
import type { Priority } from './waiting-line.ts';

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
    const queue = new PasswordQueue({ concurrency: 1, maxQueued: 1, maxWaitMs, hashMs: 4_000 });
    const [first, second] = [gate(), gate()];
    const running = queue.run('fresh', first.work);
    const waiting = queue.run('fresh', second.work);
    await expect(queue.run('fresh', () => Promise.resolve())).rejects.toMatchObject({
      code: 'overloaded',
      retryAfterSeconds: 12, // after those two
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

describe('a line that is measured in time', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const hashMs = 17;
  const takes = (ms: number) => () => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const work = takes(hashMs);
  const aQueue = (options: Partial<PasswordQueueOptions> = {}) =>
    new PasswordQueue({ concurrency: 1, maxQueued: 10_000, maxWaitMs: 3_000, hashMs, ...options });
  /** As Redis keeps them for all instances. */
  function turnsInMemory(): Turns {
    const due = new Map<string, number>();
    return {
      take(who) {
        const inMs = due.has(who) ? due.get(who)! - performance.now() : undefined;
        if (inMs !== undefined && inMs <= 0) due.delete(who);
        return Promise.resolve(inMs);
      },
      give: (who, inMs) => void due.set(who, performance.now() + inMs),
      isAway: false,
    };
  }
  /** As a balancer spreads them, and always in the same way. */
  let seed = 1;
  beforeEach(() => void (seed = 1));
  const anyOf = <T>(choices: T[]): T => {
    seed = (seed * 48_271) % 2_147_483_647;
    return choices[seed % choices.length]!;
  };
  interface Told {
    refusals: number;
    longestWaitMs: number;
    atMs: number;
  }
  /** Comes until it is served, when it is told to come. */
  async function obedient(instances: PasswordQueue[], caller: Caller, hash = work): Promise<Told> {
    const startedAtMs = performance.now();
    const told: Told = { refusals: 0, longestWaitMs: 0, atMs: 0 };
    for (;;) {
      const instance = anyOf(instances);
      const cameAtMs = performance.now();
      const error: unknown = await instance.run('fresh', hash, caller).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      told.longestWaitMs = Math.max(told.longestWaitMs, performance.now() - cameAtMs);
      told.atMs = performance.now() - startedAtMs;
      if (error === undefined) return told;
      if (!(error instanceof AppError)) throw error as Error;
      expect(error.code).toBe('overloaded');
      told.refusals += 1;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterSeconds! * 1_000));
    }
  }
  /** Until all are done, in virtual time. */
  async function all<T>(work: Promise<T>[]): Promise<T[]> {
    const done = Promise.all(work);
    let isOver = false;
    void done.finally(() => (isOver = true));
    while (!isOver) await jest.advanceTimersByTimeAsync(50);
    return done;
  }

  test.each([
    ['with turns that both instances know', turnsInMemory(), 1],
    ['while Redis is away', undefined, 2],
  ])(
    '2,000 at once at two instances, %s: everybody is served when told, and nobody waits long',
    async (_, turns, most) => {
      const instances = [aQueue(turns ? { turns } : {}), aQueue(turns ? { turns } : {})];
      const crowd = await all(
        Array.from({ length: 2_000 }, (_, n) => obedient(instances, () => ({ who: `shopper ${n}` }))),
      );
      const idealMs = (2_000 * hashMs) / 2;
      expect(Math.max(...crowd.map(({ refusals }) => refusals))).toBeLessThanOrEqual(most);
      expect(Math.max(...crowd.map(({ longestWaitMs }) => longestWaitMs))).toBeLessThanOrEqual(3_100);
      expect(Math.max(...crowd.map(({ atMs }) => atMs))).toBeLessThan(1.2 * idealMs);
    },
  );

  test('a crowd that goes on coming, twice as fast as it can be served, does not push out those who were told to come', async () => {
    const instances = [aQueue({ turns: turnsInMemory() })];
    const coming: Promise<Told>[] = [];
    const arrivals = (async () => {
      for (let n = 0; n < 1_200; n += 1) {
        coming.push(obedient(instances, () => ({ who: `shopper ${n}` })));
        await new Promise((resolve) => setTimeout(resolve, hashMs / 2));
      }
    })();
    await all([arrivals]);
    const crowd = await all(coming);
    expect(Math.max(...crowd.map(({ refusals }) => refusals))).toBe(1);
    expect(Math.max(...crowd.map(({ longestWaitMs }) => longestWaitMs))).toBeLessThanOrEqual(3_100);
  });

  test('hashes that take four times as long as they should: everybody is served all the same', async () => {
    const instances = [aQueue({ turns: turnsInMemory() })];
    const slow = takes(4 * hashMs);
    const crowd = await all(
      Array.from({ length: 500 }, (_, n) => obedient(instances, () => ({ who: `shopper ${n}` }), slow)),
    );
    expect(Math.max(...crowd.map(({ longestWaitMs }) => longestWaitMs))).toBeLessThanOrEqual(6_100);
    expect(Math.max(...crowd.map(({ atMs }) => atMs))).toBeLessThan(1.6 * 500 * 4 * hashMs);
  });

  test('who comes before the time is told the rest of it, and loses nothing', async () => {
    const queue = aQueue({ turns: turnsInMemory() });
    const secondsOf = (who: string) =>
      queue
        .run('fresh', work, () => ({ who }))
        .then(
          () => 0,
          (error: AppError) => error.retryAfterSeconds!,
        );
    const crowd: Promise<number>[] = [];
    /** So many that the line has no place for newcomers. */
    const fill = () => {
      for (let n = 0; n < 200; n += 1) crowd.push(secondsOf(`shopper ${crowd.length}`));
      return jest.advanceTimersByTimeAsync(0);
    };
    await fill();
    await fill();
    const late = await secondsOf('the last one');
    expect(late).toBeGreaterThan(4);
    await jest.advanceTimersByTimeAsync(2_000);
    await fill();
    expect(await secondsOf('the last one')).toBe(late - 2);
    await jest.advanceTimersByTimeAsync((late - 2) * 1_000);
    await fill();
    expect(await all([secondsOf('the last one')])).toEqual([0]);
    await all(crowd);
  });

  test('of two who come back at once for one place one is told to come later, and nobody loses the place that he has', async () => {
    const take = (who: string) => Promise.resolve(who.startsWith('back') ? 0 : undefined);
    const queue = aQueue({ hashMs: 100, maxWaitMs: 250, turns: { ...turnsInMemory(), take } });
    const come = (who: string) =>
      queue
        .run('fresh', takes(100), () => ({ who }))
        .then(
          () => 'in',
          () => 'later',
        );
    const answers = ['first', 'second', 'third', 'back again', 'back, too'].map(come);
    expect(await all(answers)).toEqual(['in', 'in', 'in', 'in', 'later']);
  });

  test('a client with as many turns as it may have is told to come back, but no place is kept for it', async () => {
    const turns = turnsInMemory();
    const given: string[] = [];
    const queue = aQueue({ maxTurnsPerClient: 5, turns: { ...turns, give: (who) => void given.push(who) } });
    const crowd = Array.from({ length: 200 }, (_, n) =>
      queue.run('fresh', work, () => ({ who: `account ${n}`, client: 'one' })).catch((error: AppError) => error),
    );
    const answers = await all(crowd);
    const refused = answers.filter((answer) => answer instanceof AppError);
    expect(refused.length).toBeGreaterThan(100);
    expect(refused.filter(({ retryAfterSeconds }) => retryAfterSeconds! >= 1)).toHaveLength(refused.length);
    expect(given).toHaveLength(5);
    expect(queue.counts).toEqual({ hashed: 200 - refused.length, guaranteed: 0, refused: refused.length, promised: 5 });
  });

  test('those of a crowd who never come back delay the others little', async () => {
    const queue = aQueue({ turns: turnsInMemory() });
    const coming: Promise<Told>[] = [];
    const arrivals = (async () => {
      // 200 in a second, of whom 40 come back: 59 can be served.
      for (let n = 0; n < 20 * 200; n += 1) {
        const caller = () => ({ who: `shopper ${n}` });
        if (n % 5 === 0) coming.push(obedient([queue], caller));
        else queue.run('fresh', work, caller).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await all([arrivals]);
    const last = (await all(coming)).slice(-100);
    expect(Math.max(...last.map(({ atMs }) => atMs))).toBeLessThan(20_000); // not 50
  });

  test('while nobody knows who has a turn, no more are told to come than can be served', async () => {
    const away: Turns = { take: () => Promise.resolve(undefined), give: () => {}, isAway: true };
    const queue = aQueue({ turns: away });
    let told = 0;
    for (let n = 0; n < 10 * 200; n += 1) {
      queue
        .run('fresh', work, () => ({ who: `shopper ${n}` }))
        .catch((error: AppError) => (told = error.retryAfterSeconds!));
      await jest.advanceTimersByTimeAsync(5);
    }
    expect(told).toBeGreaterThan(10); // each second 141 are refused, and told to come in the next 2.5
  });
});

describe('a line whose process says nothing', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const hashMs = 17;
  const guarantee = { afterMs: 250, everyMs: 100 };
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const never = () => new Promise<void>(() => {});
  const aLine = (takes: Record<Where, () => Promise<void>>, options: Partial<PasswordQueueOptions> = {}) => {
    const queue = new PasswordQueue({
      concurrency: 1,
      maxQueued: 1_000,
      maxWaitMs: 60_000,
      hashMs,
      guarantee,
      ...options,
    });
    const begun: string[] = [];
    const doneAtMs: number[] = [];
    const startedAtMs = performance.now();
    const come = (name: string, priority: Priority = 'fresh') =>
      queue
        .run(priority, async (where) => {
          begun.push(`${name} ${where}`);
          await takes[where]();
        })
        .then(() => doneAtMs.push(performance.now() - startedAtMs));
    return { queue, begun, doneAtMs, come };
  };

  test('goes on at the guaranteed pace, in its order, and computes nothing twice', async () => {
    const { queue, begun, doneAtMs, come } = aLine({ beside: never, here: () => sleep(hashMs) });
    for (const name of ['stuck', 'f1', 'f2', 'f3']) void come(name);
    void come('k1', 'known');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(begun).toEqual(['stuck beside', 'k1 here', 'f1 here', 'f2 here', 'f3 here']);
    expect(doneAtMs).toEqual([267, 367, 467, 567]);
    expect(queue.counts).toMatchObject({ hashed: 4, guaranteed: 4 });
    // Who comes later need not wait for that long again: nothing has changed.
    void come('late');
    await jest.advanceTimersByTimeAsync(hashMs);
    expect(begun.at(-1)).toBe('late here');
  });

  test('is helped by one at a time, however long that takes', async () => {
    const { begun, come } = aLine({ beside: never, here: () => sleep(1_000) });
    for (const name of ['stuck', 'f1', 'f2', 'f3']) void come(name);
    await jest.advanceTimersByTimeAsync(249);
    expect(begun).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(500);
    expect(begun).toEqual(['stuck beside', 'f1 here']);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(begun).toEqual(['stuck beside', 'f1 here', 'f2 here']);
  });

  test('goes on when one of those that help it fails', async () => {
    let tries = 0;
    const here = () => ((tries += 1) === 1 ? Promise.reject(new Error('broken')) : sleep(hashMs));
    const { come, doneAtMs } = aLine({ beside: never, here });
    void come('stuck');
    await Promise.all([expect(come('f1')).rejects.toThrow('broken'), come('f2'), jest.advanceTimersByTimeAsync(1_000)]);
    expect(doneAtMs).toEqual([367]);
  });

  test('is not helped while the process answers, nor while nobody waits', async () => {
    const { queue, come } = aLine({ beside: () => sleep(200), here: () => sleep(hashMs) });
    const crowd = Array.from({ length: 20 }, (_, n) => come(`f${n}`));
    await Promise.all([...crowd, jest.advanceTimersByTimeAsync(5_000)]);
    await Promise.all([come('late'), jest.advanceTimersByTimeAsync(5_000)]);
    expect(queue.counts).toMatchObject({ hashed: 21, guaranteed: 0 });
  });

  test('is helped between the answers of a process that is slow', async () => {
    const { queue, come } = aLine({ beside: () => sleep(500), here: () => sleep(hashMs) });
    const crowd = Array.from({ length: 30 }, (_, n) => come(`f${n}`));
    await Promise.all([...crowd, jest.advanceTimersByTimeAsync(10_000)]);
    // Of each half second: at 250, 350 and 450 ms, and beside.
    expect(queue.counts).toMatchObject({ hashed: 30, guaranteed: 22 });
  });

  test('promises turns by what is done all the same', async () => {
    const told: number[] = [];
    const { queue, come } = aLine({ beside: never, here: () => sleep(hashMs) }, { maxWaitMs: 3_000 });
    const ask = (n: number) => {
      const crowd = Array.from({ length: n }, (_, m) => come(`f${m}`));
      for (const one of crowd) one.catch((error: AppError) => told.push(error.retryAfterSeconds!));
    };
    // Enough that there is always somebody who waits, for a while in which it is found out how it goes.
    for (let second = 0; second < 20; second += 1) {
      ask(15);
      await jest.advanceTimersByTimeAsync(1_000);
    }
    const waitingMs = queue.waiting * 100;
    expect(waitingMs).toBeGreaterThan(500);
    expect(waitingMs).toBeLessThan(4_000);
    told.length = 0;
    ask(100);
    await jest.advanceTimersByTimeAsync(0);
    // A hundred take ten seconds, and those come who were told so before.
    expect(Math.max(...told) - Math.min(...told)).toBeGreaterThan(6);
    expect(Math.max(...told) - Math.min(...told)).toBeLessThan(16);
  });
});
