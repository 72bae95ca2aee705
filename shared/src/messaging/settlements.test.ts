import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { newId } from '../ids.ts';
import { Settlements } from './settlements.ts';

const log = pino({ level: 'silent' });
const never = () => Promise.resolve(undefined);
const aChannel = (waitsEnd?: AbortSignal) =>
  new Settlements<string>({ channel: 'settled:test', log, ...(waitsEnd ? { waitsEnd } : {}) });

afterEach(() => {
  jest.useRealTimers();
});
const fakeTime = () => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });

describe('waiting for a settlement', () => {
  test('ends with the news, without a look', async () => {
    const settlements = aChannel();
    const id = newId();
    const look = jest.fn(never);
    const waiting = settlements.wait(id, 5_000, look);
    settlements.settle(id, 'held');
    expect(await waiting).toBe('held');
    expect(look).not.toHaveBeenCalled();
  });

  test('all who wait for the same hear it, nobody else does', async () => {
    const settlements = aChannel();
    const [id, other] = [newId(), newId()];
    const waiting = [1, 2, 3].map(() => settlements.wait(id, 5_000, never));
    const elsewhere = settlements.wait(other, 20, () => Promise.resolve(undefined));
    settlements.settle(id, 'held');
    expect(await Promise.all(waiting)).toEqual(['held', 'held', 'held']);
    expect(await elsewhere).toBeUndefined();
  });

  test('who comes after the news is not told of it, and may wait again', async () => {
    const settlements = aChannel();
    const id = newId();
    settlements.settle(id, 'held');
    expect(await settlements.wait(id, 20, never)).toBeUndefined();
    const again = settlements.wait(id, 5_000, never);
    settlements.settle(id, 'released');
    expect(await again).toBe('released');
  });

  test('ends after its time with the state as it is then', async () => {
    fakeTime();
    const settlements = aChannel();
    const waiting = settlements.wait(newId(), 700, () => Promise.resolve('by now'));
    await jest.advanceTimersByTimeAsync(699);
    const state = await Promise.race([waiting, Promise.resolve('still waiting')]);
    expect(state).toBe('still waiting');
    await jest.advanceTimersByTimeAsync(1);
    expect(await waiting).toBe('by now');
  });

  test('looks by itself each second, in case the news is lost', async () => {
    fakeTime();
    const settlements = aChannel();
    const states: string[] = [];
    const look = jest.fn(() => Promise.resolve(states[0]));
    const waiting = settlements.wait(newId(), 30_000, look);
    await jest.advanceTimersByTimeAsync(2_500);
    expect(look).toHaveBeenCalledTimes(2);
    states.push('settled elsewhere');
    await jest.advanceTimersByTimeAsync(500);
    expect(await waiting).toBe('settled elsewhere');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(3);
  });

  test('a look that fails meanwhile does not end it', async () => {
    fakeTime();
    const settlements = aChannel();
    const id = newId();
    const waiting = settlements.wait(id, 30_000, () => Promise.reject(new Error('database away')));
    await jest.advanceTimersByTimeAsync(3_000);
    settlements.settle(id, 'held');
    expect(await waiting).toBe('held');
  });

  test('a look that fails at the end leaves the outcome open, and fails nobody', async () => {
    const settlements = aChannel();
    const away = () => Promise.reject(new Error('the database is away'));
    expect(await settlements.wait(newId(), 10, away)).toBeUndefined();
  });

  test('gives up when nothing more can come of it', async () => {
    const settlements = aChannel();
    const giveUp = Promise.withResolvers<void>();
    const waiting = settlements.wait(newId(), 60_000, () => Promise.resolve('pending after all'), giveUp.promise);
    giveUp.resolve();
    expect(await waiting).toBe('pending after all');
  });

  test('news that came before the giving up count', async () => {
    const settlements = aChannel();
    const id = newId();
    const giveUp = Promise.withResolvers<void>();
    const waiting = settlements.wait(id, 60_000, never, giveUp.promise);
    settlements.settle(id, 'held');
    giveUp.resolve();
    expect(await waiting).toBe('held');
  });

  test.each([0, -1])('of %i ms is none: not even a look', async (timeoutMs) => {
    const look = jest.fn(never);
    expect(await aChannel().wait(newId(), timeoutMs, look)).toBeUndefined();
    expect(look).not.toHaveBeenCalled();
  });

  test('a service that stops lets all its waiters go, and lets nobody wait any more', async () => {
    const waitsEnd = new AbortController();
    const settlements = aChannel(waitsEnd.signal);
    const waiting = [1, 2].map((n) => settlements.wait(newId(), 60_000, () => Promise.resolve(`state ${n}`)));
    waitsEnd.abort();
    expect(await Promise.all(waiting)).toEqual(['state 1', 'state 2']);
    expect(await settlements.wait(newId(), 60_000, never)).toBeUndefined();
  });

  test('leaves no timer behind', async () => {
    fakeTime();
    const settlements = aChannel();
    const id = newId();
    const waiting = settlements.wait(id, 30_000, never);
    expect(jest.getTimerCount()).toBe(2);
    settlements.settle(id, 'held');
    await waiting;
    expect(jest.getTimerCount()).toBe(0);
  });
});
