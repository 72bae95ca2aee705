import { expect, test } from '@jest/globals';
import { TurnPlan } from './turn-plan.ts';

function aPlan(options: { maxAheadMs?: number; maxPerClient?: number; random?: number } = {}) {
  const { maxAheadMs = 600_000, maxPerClient = 1_000, random = 0 } = options;
  let nowMs = 5_000;
  const plan = new TurnPlan({ maxAheadMs, maxPerClient, clock: () => nowMs, random: () => random });
  const next = (of: Partial<Parameters<TurnPlan['next']>[0]> = {}) =>
    plan.next({ lineMs: 0, turnMs: 95, isDoubtful: false, ...of });
  const many = (times: number, of?: Parameters<typeof next>[0]) => Array.from({ length: times }, () => next(of));
  return { next, many, pass: (ms: number) => (nowMs += ms) };
}
const countsOf = (seconds: number[]) => [...Map.groupBy(seconds, (one) => one)].map(([s, all]) => [s, all.length]);

test('to each second it sends as many as can be served in it, after the line that there is', () => {
  const { many } = aPlan();
  const counts = countsOf(many(100, { lineMs: 3_000 }));
  expect(counts.map(([second]) => second)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  for (const [, count] of counts.slice(1, -1)) expect(count).toBe(10);
});

test('turns that were given away stay so, while time passes', () => {
  const { many, next, pass } = aPlan();
  many(100);
  pass(4_000);
  expect(next()).toBe(6);
  pass(60_000);
  expect(next()).toBe(1);
});

test('guessers come after everybody who was told before, and do not delay those who come after them', () => {
  const { many, next } = aPlan();
  many(100);
  expect(many(100, { isDoubtful: true }).at(-1)).toBe(20);
  expect(next()).toBe(10);
});

test('a client that asks for many turns is told when its last ones end, and delays nobody further', () => {
  const { many, next } = aPlan({ maxPerClient: 50, random: 0.5 });
  expect(many(10_000, { client: 'one' }).at(-1)).toBe(4); // 0.75 of 5 s
  expect(next({ client: 'another' })).toBe(5);
  expect(Math.max(...many(100))).toBe(15); // not counted
});

test('when the plan has come to its end, all clients begin anew', () => {
  const { many, next, pass } = aPlan({ maxPerClient: 10 });
  many(10, { client: 'one' });
  pass(1_001);
  expect(many(10, { client: 'one' }).at(-1)).toBe(1);
  expect(next({ lineMs: 2_000 })).toBe(2);
});

test('nobody is told to come later than the limit, but somewhere in its last half', () => {
  for (const [random, second] of [
    [0, 10],
    [0.5, 8],
    [0.99, 5],
  ] as const) {
    const { many } = aPlan({ maxAheadMs: 10_000, random });
    const told = many(1_000);
    expect(Math.max(...told)).toBe(10);
    expect(told.at(-1)).toBe(second);
  }
});
