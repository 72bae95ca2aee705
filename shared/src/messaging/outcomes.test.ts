import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { newId } from '../ids.ts';
import { Outcomes } from './outcomes.ts';

const log = pino({ level: 'silent' });
interface Thing {
  id: string;
  status: string;
}
const thing = (status: string, id = 'any'): Thing => ({ id, status });
const never = () => Promise.resolve(undefined);
const becomes = (status: string) => () => Promise.resolve(thing(status));
/** Of things that are decided whenever they are found, and ended when they say so. */
const outcomesOf = (read: (id: string) => Promise<Thing | undefined> = never, waitsEnd?: AbortSignal) =>
  new Outcomes({
    read,
    stages: { decided: () => true, ended: ({ status }: Thing) => status === 'ended' },
    channel: 'settled:test',
    log,
    ...(waitsEnd ? { waitsEnd } : {}),
  });

afterEach(() => {
  jest.useRealTimers();
});
const fakeTime = () => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });

describe('waiting for an outcome', () => {
  test('ends with the news, without a look', async () => {
    const look = jest.fn(never);
    const outcomes = outcomesOf(look);
    const id = newId();
    const waiting = outcomes.wait(id, 'decided', { timeoutMs: 5_000 });
    outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toEqual(thing('held'));
    expect(look).not.toHaveBeenCalled();
  });

  test('all who wait for the same hear it, nobody else does', async () => {
    const outcomes = outcomesOf();
    const [id, other] = [newId(), newId()];
    const waiting = [1, 2, 3].map(() => outcomes.wait(id, 'decided', { timeoutMs: 5_000 }));
    const elsewhere = outcomes.wait(other, 'decided', { timeoutMs: 20 });
    outcomes.settle(id, 'decided', thing('held'));
    expect(await Promise.all(waiting)).toEqual([thing('held'), thing('held'), thing('held')]);
    expect(await elsewhere).toBeUndefined();
  });

  test('who comes after the news is not told of it, and may wait again', async () => {
    const outcomes = outcomesOf();
    const id = newId();
    outcomes.settle(id, 'decided', thing('held'));
    expect(await outcomes.wait(id, 'decided', { timeoutMs: 20 })).toBeUndefined();
    const again = outcomes.wait(id, 'decided', { timeoutMs: 5_000 });
    outcomes.settle(id, 'decided', thing('released'));
    expect(await again).toEqual(thing('released'));
  });

  test('ends after its time with the state as it is then', async () => {
    fakeTime();
    const waiting = outcomesOf(becomes('by now')).wait(newId(), 'decided', { timeoutMs: 700 });
    await jest.advanceTimersByTimeAsync(699);
    const state = await Promise.race([waiting, Promise.resolve('still waiting')]);
    expect(state).toBe('still waiting');
    await jest.advanceTimersByTimeAsync(1);
    expect(await waiting).toEqual(thing('by now'));
  });

  test('looks by itself each second, in case the news is lost', async () => {
    fakeTime();
    const states: Thing[] = [];
    const look = jest.fn(() => Promise.resolve(states[0]));
    const waiting = outcomesOf(look).wait(newId(), 'decided', { timeoutMs: 30_000 });
    await jest.advanceTimersByTimeAsync(2_500);
    expect(look).toHaveBeenCalledTimes(2);
    states.push(thing('settled elsewhere'));
    await jest.advanceTimersByTimeAsync(500);
    expect(await waiting).toEqual(thing('settled elsewhere'));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(3);
  });

  test('a look that fails meanwhile does not end it', async () => {
    fakeTime();
    const outcomes = outcomesOf(() => Promise.reject(new Error('database away')));
    const id = newId();
    const waiting = outcomes.wait(id, 'decided', { timeoutMs: 30_000 });
    await jest.advanceTimersByTimeAsync(3_000);
    outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toEqual(thing('held'));
  });

  test('a look that fails at the end leaves the outcome open, and fails nobody', async () => {
    const outcomes = outcomesOf(() => Promise.reject(new Error('the database is away')));
    expect(await outcomes.wait(newId(), 'decided', { timeoutMs: 10 })).toBeUndefined();
  });

  test('gives up when nothing more can come of it', async () => {
    const giveUp = Promise.withResolvers<void>();
    const waiting = outcomesOf(becomes('pending after all')).wait(newId(), 'decided', {
      timeoutMs: 60_000,
      giveUp: giveUp.promise,
    });
    giveUp.resolve();
    expect(await waiting).toEqual(thing('pending after all'));
  });

  test('news that came before the giving up count', async () => {
    const outcomes = outcomesOf();
    const id = newId();
    const giveUp = Promise.withResolvers<void>();
    const waiting = outcomes.wait(id, 'decided', { timeoutMs: 60_000, giveUp: giveUp.promise });
    outcomes.settle(id, 'decided', thing('held'));
    giveUp.resolve();
    expect(await waiting).toEqual(thing('held'));
  });

  test.each([0, -1])('of %i ms is none: not even a look', async (timeoutMs) => {
    const look = jest.fn(never);
    expect(await outcomesOf(look).wait(newId(), 'decided', { timeoutMs })).toBeUndefined();
    expect(look).not.toHaveBeenCalled();
  });

  test('a service that stops lets all its waiters go, and lets nobody wait any more', async () => {
    const waitsEnd = new AbortController();
    const outcomes = outcomesOf((id) => Promise.resolve(thing('as it stands', id)), waitsEnd.signal);
    const waiting = ['1', '2'].map((id) => outcomes.wait(id, 'decided', { timeoutMs: 60_000 }));
    waitsEnd.abort();
    expect(await Promise.all(waiting)).toEqual([thing('as it stands', '1'), thing('as it stands', '2')]);
    expect(await outcomes.wait(newId(), 'decided', { timeoutMs: 60_000 })).toBeUndefined();
  });

  test('leaves no timer behind', async () => {
    fakeTime();
    const outcomes = outcomesOf();
    const id = newId();
    const waiting = outcomes.wait(id, 'decided', { timeoutMs: 30_000 });
    expect(jest.getTimerCount()).toBe(2);
    outcomes.settle(id, 'decided', thing('held'));
    await waiting;
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('stages', () => {
  test('who waits for one is not woken by another, nor content with less', async () => {
    const outcomes = outcomesOf(becomes('held'));
    const id = newId();
    const waiting = outcomes.wait(id, 'ended', { timeoutMs: 20 });
    outcomes.settle(id, 'decided', thing('held'));
    expect(await waiting).toBeUndefined();
  });

  test('an announcement wakes those who wait for any stage that was reached', async () => {
    const outcomes = outcomesOf();
    const waiting = (['decided', 'ended'] as const).map((stage) => outcomes.wait('1', stage, { timeoutMs: 5_000 }));
    outcomes.announce(thing('ended', '1'));
    expect(await Promise.all(waiting)).toEqual([thing('ended', '1'), thing('ended', '1')]);
    const further = outcomes.wait('1', 'ended', { timeoutMs: 20 });
    outcomes.announce(thing('held', '1'));
    expect(await further).toBeUndefined();
  });

  test('looking first spares the wait', async () => {
    const look = jest.fn(becomes('ended'));
    expect(await outcomesOf(look).until(newId(), 'ended', newId(), { timeoutMs: 60_000 })).toEqual(thing('ended'));
    expect(look).toHaveBeenCalledTimes(1);
  });
});

describe('as a client prefers', () => {
  test.each([undefined, 0, 60_000])('what has come so far already needs no wait: %j', async (preferMs) => {
    const look = jest.fn(never);
    expect(await outcomesOf(look).asPreferred(thing('ended'), 'ended', preferMs)).toEqual(thing('ended'));
    expect(look).not.toHaveBeenCalled();
  });

  test('a preference counts, whatever else would be waited for', async () => {
    fakeTime();
    const giveUp = Promise.resolve();
    const waiting = outcomesOf(becomes('held')).asPreferred(thing('held'), 'ended', 500, { timeoutMs: 9_000, giveUp });
    await jest.advanceTimersByTimeAsync(499);
    expect(await Promise.race([waiting, Promise.resolve('still waiting')])).toBe('still waiting');
    await jest.advanceTimersByTimeAsync(1);
    expect(await waiting).toBeUndefined();
  });

  test('without one it is waited for as given, or not at all', async () => {
    const look = jest.fn(becomes('ended'));
    const outcomes = outcomesOf(look);
    expect(await outcomes.asPreferred(thing('held'), 'ended', undefined)).toBeUndefined();
    expect(look).not.toHaveBeenCalled();
    expect(await outcomes.asPreferred(thing('held'), 'ended', undefined, { timeoutMs: 10 })).toEqual(thing('ended'));
  });
});
