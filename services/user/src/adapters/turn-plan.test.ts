import { describe, expect, test } from '@jest/globals';
import { TurnPlan, type AtDoor, type Asked } from './turn-plan.ts';

function aPlan(options: { maxAheadMs?: number; maxPerClient?: number; random?: number; atDoor?: AtDoor } = {}) {
  const { maxAheadMs = 600_000, maxPerClient = 1_000, random = 0, atDoor = { came: 0, refused: 0 } } = options;
  let nowMs = 5_000;
  const plan = new TurnPlan({ maxAheadMs, maxPerClient, clock: () => nowMs, random: () => random, atDoor });
  const ask = (of: Partial<Asked> = {}) => plan.next({ lineMs: 0, turnMs: 95, isDoubtful: false, ...of });
  const next = (of?: Partial<Asked>) => ask(of).seconds;
  const many = (times: number, of?: Parameters<typeof next>[0]) => Array.from({ length: times }, () => next(of));
  return { plan, ask, next, many, pass: (ms: number) => (nowMs += ms) };
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

test('who has as many turns as a client may is promised no further one, and others are', () => {
  const { ask } = aPlan({ maxPerClient: 3 });
  const promises = ['one', 'one', 'one', 'one', 'another', undefined].map((client) => ask({ client }).isPromise);
  expect(promises).toEqual([true, true, true, false, true, true]);
});

test('a client gets a turn back as soon as its time has come, though the crowd lasts', () => {
  const { ask, many, pass } = aPlan({ maxPerClient: 10 });
  const isPromised = () => ask({ client: 'one' }).isPromise;
  for (let n = 0; n < 10; n += 1) expect(isPromised()).toBe(true); // within a second
  many(50);
  expect(isPromised()).toBe(false);
  pass(1_000);
  many(10);
  for (let n = 0; n < 10; n += 1) expect(isPromised()).toBe(true);
  many(10);
  expect(isPromised()).toBe(false);
});

test('no more turns are promised than memory is meant for', () => {
  const { ask, many } = aPlan({ maxAheadMs: 86_400_000 });
  many(100_000, { turnMs: 0.01 });
  expect(ask({ turnMs: 0.01 }).isPromise).toBe(false);
});

describe('clients who do not come for their turns', () => {
  /** In each second so many are refused, of whom a part comes when told to. @returns what was told, and who came, by the second */
  function seconds(count: number, { refused, share, plan: { plan, ask, pass } = aPlan() }: Scenario) {
    const comingAt = new Map<number, number>();
    return Array.from({ length: count }, (_, second) => {
      const come = comingAt.get(second) ?? 0;
      for (let n = 0; n < come; n += 1) plan.taken(false);
      let told = 0;
      for (let n = 0; n < refused; n += 1) {
        told = ask().seconds;
        if ((n + 1) * share >= Math.floor(n * share) + 1)
          comingAt.set(second + told, (comingAt.get(second + told) ?? 0) + 1);
      }
      pass(1_000);
      return { told, come };
    });
  }
  interface Scenario {
    refused: number;
    share: number;
    plan?: ReturnType<typeof aPlan>;
  }
  /** Ten can be served. */
  const twice = 20;

  test('cost the others no time: they are told what is true, not more and more', () => {
    const plan = aPlan();
    const all = seconds(120, { refused: twice, share: 0.5, plan });
    expect(Math.max(...all.map(({ told }) => told))).toBeLessThan(30);
    // Those who do come find the line as short as it was meant to be.
    const [first = 0, ...later] = all.map(({ come }) => come).slice(30);
    expect(later.reduce((sum, come) => sum + come, first) / (later.length + 1)).toBeLessThan(10.5);
    expect(Math.max(first, ...later)).toBeLessThan(15);
  });

  test('are told to come ten times as many as can be served at most', () => {
    const all = seconds(60, { refused: 20 * 10, share: 0 });
    expect(all.at(-1)!.told).toBeGreaterThan(20);
    expect(all.at(-1)!.told).toBeLessThan(120); // not 1,140
  });

  test('are not those who may have come and were refused at the door: by as large a part as was', () => {
    const toldAfter = (partRefused: number) => {
      const door = { came: 1_000_000, refused: 0 };
      const plan = aPlan({ atDoor: door });
      let told = 0;
      for (let second = 0; second < 20; second += 1) {
        door.came += 100;
        door.refused += 100 * partRefused;
        told = seconds(1, { refused: 20 * 10, share: 0, plan })[0]!.told;
      }
      return told;
    };
    const [all, half, none] = [toldAfter(1), toldAfter(0.5), toldAfter(0)];
    expect(all).toBeGreaterThan(350); // 400 s of work, of which 20 s have passed
    expect(half).toBeGreaterThan(1.5 * none);
    expect(half).toBeLessThan(all / 4);
  });

  test('say nothing of those who come again later', () => {
    const plan = aPlan();
    seconds(60, { refused: twice, share: 0, plan });
    plan.pass(120_000);
    expect(countsOf(plan.many(30))).toEqual([
      [1, 15],
      [2, 10],
      [3, 5],
    ]);
  });

  test('and are guessers do not take the places of others', () => {
    const plan = aPlan();
    for (let second = 0; second < 60; second += 1) {
      plan.many(twice, { isDoubtful: true });
      plan.pass(1_000);
    }
    expect(countsOf(plan.many(30))).toEqual([
      [1, 15],
      [2, 10],
      [3, 5],
    ]);
  });
});
