import { expect, test } from '@jest/globals';
import { hasProcfs } from '../lib/procfs.ts';
import type { LoadResult } from '../lib/results.ts';
import { takeTurns, turnsOf } from './protocol.ts';
import type { Turn } from './results.ts';
import { Standing, type RunningSide, type Side } from './side.ts';
import { aTurn } from './testing/turns.ts';

const order = (rounds: number, levels: number[], names: string[]) =>
  turnsOf(
    { rounds, levels },
    names.map((name) => (name === 'yardstick' ? { name, isYardstick: true as const } : { name })),
  ).map(({ pair, vus, side }) => `${pair} ${vus} ${side.name}`);

test('the sides take turns in being first, and each level is measured in each round', () => {
  expect(order(3, [50, 500], ['this', 'that'])).toEqual([
    '1 50 this',
    '1 50 that',
    '1 500 this',
    '1 500 that',
    '2 50 that',
    '2 50 this',
    '2 500 that',
    '2 500 this',
    '3 50 this',
    '3 50 that',
    '3 500 this',
    '3 500 that',
  ]);
});

test('a yardstick is measured with the most shoppers only', () => {
  expect(order(2, [50, 500], ['yardstick', 'a'])).toEqual([
    '1 50 a',
    '1 500 yardstick',
    '1 500 a',
    '2 50 a',
    '2 500 a',
    '2 500 yardstick',
  ]);
});

test('of more than two sides, which cannot all stand at once, each is measured at all levels before the next is started', () => {
  expect(order(2, [50, 500], ['a', 'b', 'c'])).toEqual([
    '1 50 a',
    '1 500 a',
    '1 50 b',
    '1 500 b',
    '1 50 c',
    '1 500 c',
    '2 50 c',
    '2 500 c',
    '2 50 b',
    '2 500 b',
    '2 50 a',
    '2 500 a',
  ]);
});

test('a turn begins when the one before is done, and counts what stands beside it at rest', async () => {
  const events: string[] = [];
  const sideOf = (name: string): Side => ({
    name,
    script: 'checkout.ts',
    logsIn: true,
    open: () =>
      Promise.resolve<RunningSide>({
        target: () => ({ url: name, stack: name, processes: [{ name, pid: process.pid }] }),
        untilAtRest: () => Promise.resolve(void events.push(`${name} rests`)),
        [Symbol.asyncDispose]: () => Promise.resolve(void events.push(`${name} ends`)),
      }),
  });
  const turns: Turn[] = [];
  const busyMs = 50;
  {
    await using standing = new Standing(({ name }) => Promise.resolve(void events.push(`${name} is there`)));
    const warmUp = { refreshLogIns: () => Promise.resolve() };
    const plan = { rounds: 2, levels: [500], seconds: 1, warmUpSeconds: 1 };
    await takeTurns(plan, [sideOf('a'), sideOf('b')], standing, warmUp, {
      say: () => undefined,
      onTurn: (turn) => void turns.push(turn),
      measure: ({ side, pair, vus }, { url }): Promise<LoadResult> => {
        events.push(`${side.name} at ${url}`);
        const before = process.cpuUsage();
        while (process.cpuUsage(before).user < 1_000 * busyMs) Math.sqrt(Math.random());
        return Promise.resolve(aTurn({ pair, vus, side: side.name }).load);
      },
    });
  }
  expect(events).toEqual([
    ...['a is there', 'b is there'],
    ...['a at a', 'a rests', 'b at b', 'b rests', 'b at b', 'b rests', 'a at a', 'a rests'],
    ...['a ends', 'b ends'],
  ]);
  expect(turns.map(({ pair, side }) => `${pair} ${side}`)).toEqual(['1 a', '1 b', '2 b', '2 a']);
  expect(turns.every(({ beside }) => (beside?.cpuSeconds ?? 0) > 0 === hasProcfs)).toBe(true);
});
