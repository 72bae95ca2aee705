import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@flash-sale/contract/errors.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';

/** A batcher whose flushes wait to be let go, and which remembers them. */
function aBatcher(options: Partial<BatcherOptions<number, string>> = {}) {
  const flushes: number[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const batcher = new Batcher<number, string>({
    flush: async (items) => {
      flushes.push(items);
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return items.map((item) => `done ${item}`);
    },
    maxItems: 4,
    maxQueued: 100,
    ...options,
  });
  /** Ends the nth flush and lets what follows from it begin. */
  const finish = async (n: number) => {
    gates[n]!.resolve();
    await turn();
    await turn();
  };
  return { batcher, flushes, finish };
}
const immediately = (options: Partial<BatcherOptions<number, string>> = {}) =>
  new Batcher<number, string>({
    flush: (items) => Promise.resolve(items.map(String)),
    maxItems: 4,
    maxQueued: 1_000,
    ...options,
  });

describe('batcher', () => {
  test('a lone item does not wait for company', async () => {
    const { batcher, flushes, finish } = aBatcher();
    const result = batcher.run(1);
    await turn();
    expect(flushes).toEqual([[1]]);
    await finish(0);
    expect(await result).toBe('done 1');
  });

  test('what comes in the same turn travels together, in order', async () => {
    const { batcher, flushes, finish } = aBatcher();
    const results = Promise.all([3, 1, 2].map((n) => batcher.run(n)));
    await turn();
    expect(flushes).toEqual([[3, 1, 2]]);
    await finish(0);
    expect(await results).toEqual(['done 3', 'done 1', 'done 2']);
  });

  test('what comes during a flush waits for its end, and then goes as one, at most maxItems', async () => {
    // Without a rest, which would begin wherever a busy machine makes a flush take its time.
    const { batcher, flushes, finish } = aBatcher({ maxItems: 3, maxRestMs: 0 });
    const results = [batcher.run(0)];
    await turn();
    for (let n = 1; n <= 5; n += 1) results.push(batcher.run(n));
    await turn();
    expect(flushes).toEqual([[0]]);
    expect(batcher.queued).toBe(5);
    await finish(0);
    expect(flushes).toEqual([[0], [1, 2, 3]]);
    await finish(1);
    expect(flushes).toEqual([[0], [1, 2, 3], [4, 5]]);
    await finish(2);
    expect((await Promise.all(results)).at(-1)).toBe('done 5');
    expect(batcher.queued).toBe(0);
  });

  test('after a flush of several it rests, no longer than it took and than it may; after a single one it does not', async () => {
    for (const maxRestMs of [0, 30, 10_000]) {
      const { batcher, flushes, finish } = aBatcher({ maxRestMs });
      const results = [1, 2].map((n) => batcher.run(n));
      await turn();
      await sleep(60);
      const finishedAt = performance.now();
      await finish(0);
      await Promise.all(results);
      results.push(batcher.run(3));
      let turns = 0;
      for (; flushes.length < 2; turns += 1) await turn();
      const restedMs = performance.now() - finishedAt;
      if (maxRestMs === 0) expect(turns).toBeLessThan(5);
      else expect(restedMs).toBeGreaterThan(Math.min(maxRestMs, 60) - 5);
      await finish(1);
      await results[2];
      void batcher.run(4);
      await turn();
      expect(flushes).toHaveLength(3);
      await finish(2);
    }
  });

  test('a full batch does not wait for the rest to end', async () => {
    const { batcher, flushes, finish } = aBatcher({ maxItems: 2, maxRestMs: 10_000 });
    const results = [1, 2, 3, 4].map((n) => batcher.run(n));
    await turn();
    await sleep(20);
    await finish(0);
    expect(flushes).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await finish(1);
    await Promise.all(results);
  });

  test('of a batch that is done in halves, says how long the oldest of the half waits that is not done', async () => {
    const halves: (() => void)[] = [];
    const flush = (items: number[]) =>
      new Promise<number[]>((resolve, reject) => {
        if (items.length > 1) reject(new Error('too many'));
        else halves.push(() => resolve(items));
      });
    const batcher = new Batcher({ flush, maxItems: 2, maxQueued: 9, maxRestMs: 0, shouldSplit: () => true });
    const [first, older] = [batcher.run(1), batcher.run(2)];
    await turn();
    await sleep(60);
    const newer = batcher.run(3);
    const newerAt = performance.now();
    halves.shift()!();
    await first;
    await turn();
    halves.shift()!();
    await older;
    await turn();
    expect(batcher.waitingMs()).toBeLessThanOrEqual(performance.now() - newerAt + 1);
    halves.shift()!();
    await newer;
    await turn();
    expect(batcher.waitingMs()).toBe(0);
  });

  test('says how long its oldest item waits, in the queue or in a flush that hangs, and that none does when all are done', async () => {
    const { batcher, finish } = aBatcher({ maxRestMs: 0 });
    const inSeconds = (seconds: number) => batcher.waitingMs(performance.now() + 1_000 * seconds);
    expect(inSeconds(9)).toBe(0);
    const hanging = batcher.run(1);
    expect(inSeconds(1)).toBeGreaterThanOrEqual(1_000);
    await turn();
    const before = batcher.waitingMs();
    const next = batcher.run(2);
    expect(batcher.waitingMs()).toBeGreaterThanOrEqual(before);
    expect(inSeconds(60)).toBeGreaterThanOrEqual(60_000);
    await finish(0);
    await hanging;
    expect(inSeconds(1)).toBeGreaterThanOrEqual(1_000);
    await finish(1);
    await next;
    expect(inSeconds(9)).toBe(0);
  });

  test('after a pause it starts again', async () => {
    const batcher = immediately();
    expect(await batcher.run(1)).toBe('1');
    await turn();
    expect(await batcher.run(2)).toBe('2');
  });

  test('refuses what is more than may wait, and takes more when there is room', async () => {
    const { batcher, finish } = aBatcher({ maxItems: 1, maxQueued: 2 });
    const accepted = [batcher.run(0)];
    await turn();
    accepted.push(batcher.run(1), batcher.run(2));
    await expect(batcher.run(3)).rejects.toEqual(expect.objectContaining({ code: 'overloaded', retryAfterSeconds: 1 }));
    await finish(0);
    accepted.push(batcher.run(4));
    for (let n = 1; n <= 3; n += 1) await finish(n);
    expect(await Promise.all(accepted)).toEqual(['done 0', 'done 1', 'done 2', 'done 4']);
  });

  test('a failed batch fails as a whole unless it may be split', async () => {
    const batcher = immediately({ flush: () => Promise.reject(new Error('broken')) });
    const results = await Promise.allSettled([batcher.run(1), batcher.run(2)]);
    expect(results.map((result) => (result as PromiseRejectedResult).reason as Error)).toEqual([
      new Error('broken'),
      new Error('broken'),
    ]);
  });

  test('a flush that throws before its first await fails its items only', async () => {
    let broken = true;
    const batcher = immediately({
      flush: (items) => {
        if (broken) throw new Error('at once');
        return Promise.resolve(items.map(String));
      },
    });
    await expect(batcher.run(1)).rejects.toThrow('at once');
    broken = false;
    expect(await batcher.run(2)).toBe('2');
  });

  test('is tried again in halves until the item at fault stands alone', async () => {
    const flushes: number[][] = [];
    const batcher = immediately({
      maxItems: 8,
      shouldSplit: () => true,
      flush: (items) => {
        flushes.push(items);
        return items.includes(5) ? Promise.reject(new Error('five')) : Promise.resolve(items.map(String));
      },
    });
    const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6, 7].map((n) => batcher.run(n)));
    expect(results.map(({ status }) => status[0]).join('')).toBe('fffffrff');
    expect(flushes).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7]]);
  });

  test('is not split for an error that concerns all alike', async () => {
    let flushes = 0;
    const batcher = immediately({
      shouldSplit: (error) => !(error instanceof AppError),
      flush: () => {
        flushes += 1;
        return Promise.reject(new AppError('unavailable', 'away'));
      },
    });
    await Promise.allSettled([1, 2, 3, 4].map((n) => batcher.run(n)));
    expect(flushes).toBe(1);
  });

  test('a flush that answers too few or too many items has failed: nobody gets another’s answer', async () => {
    for (const answers of [['a'], ['a', 'b', 'c']]) {
      const batcher = immediately({ flush: () => Promise.resolve(answers) });
      const results = await Promise.allSettled([batcher.run(1), batcher.run(2)]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    }
  });

  test('drained waits for what is under way and for what waits, and not for ever', async () => {
    const { batcher, finish } = aBatcher({ maxItems: 1 });
    await batcher.drained();
    let drained = false;
    const results = [batcher.run(1), batcher.run(2)];
    const draining = batcher.drained().then(() => (drained = true));
    await turn();
    await finish(0);
    expect(drained).toBe(false);
    await finish(1);
    await draining;
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2']);
  });

  test('every item gets its own result and no other, whichever fail', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ fails: fc.boolean(), turns: fc.nat(2) }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        async (items, maxItems) => {
          const committed: number[] = [];
          const batcher = new Batcher<number, string>({
            maxItems,
            maxQueued: 1_000,
            shouldSplit: () => true,
            flush: async (batch) => {
              expect(batch.length).toBeLessThanOrEqual(maxItems);
              if (items[batch[0]!]!.turns === 2) await turn();
              const bad = batch.find((n) => items[n]!.fails);
              if (bad !== undefined) throw new Error(`failed ${bad}`);
              committed.push(...batch);
              return batch.map((n) => `done ${n}`);
            },
          });
          const results = await Promise.all(
            items.map(async ({ turns }, n) => {
              for (let t = 0; t < turns; t += 1) await turn();
              return batcher.run(n).catch((error: Error) => error.message);
            }),
          );
          expect(results).toEqual(items.map(({ fails }, n) => `${fails ? 'failed' : 'done'} ${n}`));
          expect(committed.sort((a, b) => a - b)).toEqual(items.flatMap(({ fails }, n) => (fails ? [] : [n])));
          await batcher.drained();
          expect(batcher.queued).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
