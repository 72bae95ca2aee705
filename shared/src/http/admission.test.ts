import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { AppError } from '@flash-sale/contract/errors.ts';
import { Admission, type Beginning, type UnderWay } from './admission.ts';

const limits = { beyondRequests: 500, beyondWaitMs: 50 };

/** An admission that sees so many changes under way, and for how long each lane has kept something waiting. */
function anAdmission(changes = 0, ...waitingMs: number[]) {
  const warn = jest.fn();
  const seen: UnderWay = { changes, lanes: new Set(waitingMs.map((ms) => ({ waitingMs: () => ms }))) };
  const admission = new Admission({ ...limits, log: { warn } as never, of: seen });
  const ask = (by: Beginning = 'log-in') => {
    let answer: unknown = 'not answered';
    try {
      admission.beginsJourney(by)({} as never, {} as never, () => (answer = 'begins'));
    } catch (error) {
      answer = error;
    }
    return answer;
  };
  return { admission, seen, ask, warn };
}

describe('a journey may begin', () => {
  test.each([
    ['beyond both bounds', 501, [51], false],
    ['with as many under way as may be', 500, [10_000], true],
    ['while nothing waits long, as when all wait for a gateway', 10_000, [50], true],
    ['while one lane of the process hangs, though the others are quick', 501, [0, 10, 51], false],
    ['in a process without a lane', 10_000, [], true],
  ])('%s: %i under way, waiting for %j ms: %p', (_what, changes, waitingMs, mayBegin) => {
    expect(anAdmission(changes, ...waitingMs).admission.isClosed('log-in')).toBe(!mayBegin);
  });

  test('with a cart longer than with a log-in: who was let in is let through', () => {
    const { admission, seen } = anAdmission(501, 51);
    const closed = () => (['log-in', 'cart'] as const).map((by) => admission.isClosed(by));
    expect(closed()).toEqual([true, false]);
    seen.changes = 625;
    expect(closed()).toEqual([true, false]);
    seen.changes = 626;
    expect(closed()).toEqual([true, true]);
  });

  test('whatever the clock on the wall says', () => {
    const wall = jest.spyOn(Date, 'now').mockReturnValue(0);
    const since = performance.now() - 51;
    const { admission, seen } = anAdmission(501);
    const lane = { waitingMs: (nowMs: number) => nowMs - since };
    seen.lanes.add(lane);
    expect(admission.isClosed('log-in')).toBe(true);
    wall.mockReturnValue(9_999_999_999_999);
    seen.lanes.delete(lane);
    expect(admission.isClosed('log-in')).toBe(false);
    wall.mockRestore();
  });
});

describe('who may not begin', () => {
  let crowded: ReturnType<typeof anAdmission>;
  beforeEach(() => {
    crowded = anAdmission(626, 51);
  });

  test('hears when to come again, some sooner and some later', () => {
    const errors = Array.from({ length: 200 }, () => crowded.ask()) as AppError[];
    expect(errors.every((error) => error instanceof AppError && error.code === 'overloaded')).toBe(true);
    expect([...new Set(errors.map(({ retryAfterSeconds }) => retryAfterSeconds))].sort()).toEqual([2, 3, 4, 5, 6]);
    expect(crowded.admission.refused).toBe(200);
  });

  test('is counted, and not each has a line of its own in the log', () => {
    for (let asked = 0; asked < 50; asked += 1) crowded.ask(asked % 2 === 0 ? 'cart' : 'log-in');
    expect(crowded.warn.mock.calls).toEqual([
      [{ changes: 626, waitMs: 51, refused: 1 }, 'more under way than gets done: journeys are refused'],
    ]);
    crowded.seen.changes = 500;
    expect([crowded.ask(), crowded.ask('cart'), crowded.admission.refused]).toEqual(['begins', 'begins', 50]);
  });
});

/*
 * A shop in virtual time: a process that serves so many steps a second, whoever's they are, and shoppers who take the next
 * of six steps as soon as the one before is answered. Steps wait in line. The first is a log-in and the second a cart: only they may be
 * refused, and that takes a part of the process's time, too.
 */
const beginnings: Beginning[] = ['log-in', 'cart'];
const stepsOfJourney = 6;
const servedPerSecond = 1_200;
const capacity = servedPerSecond / stepsOfJourney;
const sliceMs = 10;

interface Phase {
  seconds: number;
  journeysPerSecond: number;
}
interface Second {
  done: number;
  refused: Record<Beginning, number>;
  longestMs: number;
}

/** @param refusalCost in steps that could be served instead */
function simulate(phases: Phase[], { refusalCost = 0 } = {}): Second[] {
  const line: { step: number; arrivedMs: number }[] = [];
  const { admission, seen } = anAdmission();
  seen.lanes.add({ waitingMs: (nowMs) => nowMs - (line[0]?.arrivedMs ?? nowMs) });
  const seconds: Second[] = [];
  let [arriving, serving, nowMs] = [0, 0, 0];
  const secondAt = (ms: number) =>
    (seconds[Math.floor(ms / 1_000)] ??= { done: 0, refused: { 'log-in': 0, cart: 0 }, longestMs: 0 });
  const come = (step: number, atMs: number) => {
    const by = beginnings[step - 1];
    seen.changes = line.length + 1;
    if (by === undefined || !admission.isClosed(by, atMs)) return void line.push({ step, arrivedMs: atMs });
    secondAt(nowMs).refused[by] += 1;
    serving -= refusalCost;
  };
  for (const { seconds: length, journeysPerSecond } of phases) {
    for (const endMs = nowMs + length * 1_000; nowMs < endMs; nowMs += sliceMs) {
      arriving += (journeysPerSecond * sliceMs) / 1_000;
      for (; arriving >= 1; arriving -= 1) come(1, nowMs);
      serving = Math.min(serving + (servedPerSecond * sliceMs) / 1_000, line.length);
      for (; serving >= 1; serving -= 1) {
        const { step, arrivedMs } = line.shift()!;
        const doneMs = nowMs + sliceMs;
        const second = secondAt(nowMs);
        second.longestMs = Math.max(second.longestMs, doneMs - arrivedMs);
        if (step === stepsOfJourney) second.done += 1;
        else come(step + 1, doneMs);
      }
    }
  }
  return seconds;
}

const perSecond = (seconds: Second[], of: (second: Second) => number) =>
  seconds.reduce((sum, second) => sum + of(second), 0) / seconds.length;

describe('a crowd in virtual time', () => {
  test.each([1.25, 1.5, 3, 20])('at %d times its capacity a shop sells what it can', (load) => {
    const seconds = simulate([{ seconds: 30, journeysPerSecond: load * capacity }]).slice(10);
    expect(perSecond(seconds, ({ done }) => done)).toBeGreaterThan(0.98 * capacity);
    // As long as what may be under way takes, and no longer.
    expect(Math.max(...seconds.map(({ longestMs }) => longestMs))).toBeLessThan((1_100 * 500) / servedPerSecond);
  });

  // Half a step: what k6 needs for a request, which it takes from the shop beside it, is not much less for one that is refused.
  test('at one and a half times of it, with refusals that cost half of what a step does, it loses what these cost, and no more', () => {
    const cost = { refusalCost: 0.5 };
    const seconds = simulate([{ seconds: 20, journeysPerSecond: 1.5 * capacity }], cost);
    // 6 a sale, 0.5 a refusal: of 6 steps, 0.954 sales and 0.546 refusals.
    expect(perSecond(seconds.slice(10), ({ done }) => done)).toBeGreaterThan(0.94 * capacity);
    expect(perSecond(seconds.slice(5), ({ done }) => done)).toBeGreaterThan(0.9 * capacity);
  });

  test.each([1.25, 3, 20])('at %d times of it nobody has logged in for nothing', (load) => {
    const seconds = simulate([{ seconds: 30, journeysPerSecond: load * capacity }]);
    expect(perSecond(seconds, ({ refused }) => refused['log-in'])).toBeGreaterThan(0);
    expect(perSecond(seconds, ({ refused }) => refused.cart)).toBe(0);
  });

  test('below it nobody is refused', () => {
    const seconds = simulate([{ seconds: 30, journeysPerSecond: 0.95 * capacity }]);
    expect(perSecond(seconds, ({ refused }) => refused['log-in'] + refused.cart)).toBe(0);
  });

  test.each([1.5, 20])('after %d times its capacity it is back to normal within five seconds', (load) => {
    const quiet = { seconds: 10, journeysPerSecond: 0.5 * capacity };
    const seconds = simulate([quiet, { seconds: 20, journeysPerSecond: load * capacity }, quiet]);
    const longest = (of: Second[]) => Math.max(...of.map(({ longestMs }) => longestMs));
    const [before, crowd, after] = [seconds.slice(0, 10), seconds.slice(10, 30), seconds.slice(30)];
    expect(longest(crowd)).toBeGreaterThan(10 * longest(before));
    expect(longest(after.slice(5))).toBeLessThanOrEqual(2 * longest(before));
    expect(perSecond(after.slice(5), ({ refused }) => refused['log-in'] + refused.cart)).toBe(0);
  });
});
