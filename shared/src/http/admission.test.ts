import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { AppError } from '@flash-sale/contract/errors.ts';
import { Admission } from './admission.ts';

const limits = { beyondRequests: 500, beyondWaitMs: 50 };

/** An admission that sees so many changes under way. */
function anAdmission(changes = 0) {
  const warn = jest.fn();
  const seen = { changes };
  const admission = new Admission({ ...limits, log: { warn } as never, changes: () => seen.changes });
  const ask = () => {
    let answer: unknown = 'not answered';
    try {
      admission.beginsJourney({} as never, {} as never, () => (answer = 'begins'));
    } catch (error) {
      answer = error;
    }
    return answer;
  };
  return { admission, seen, ask, warn };
}

describe('a journey may begin', () => {
  test.each([
    ['beyond both bounds', 501, 51, false],
    ['with as many under way as may be', 500, 10_000, true],
    ['while the process is quick, as when all wait for a gateway', 10_000, 50, true],
    ['in a process that has committed nothing yet', 10_000, 0, true],
  ])('%s: %i under way, %i ms for a commit: %p', (_what, changes, waitMs, mayBegin) => {
    const { admission } = anAdmission(changes);
    if (waitMs > 0) admission.waited(waitMs, 0);
    expect(admission.isCrowded(1)).toBe(!mayBegin);
  });

  test('when nothing was committed for long: how long it would wait nobody knows', () => {
    const { admission } = anAdmission(10_000);
    admission.waited(200, 1_000);
    expect([admission.isCrowded(5_999), admission.isCrowded(6_000)]).toEqual([true, false]);
  });

  test('after a pause of the process: a single commit that took long tells of the pause, and of nothing else', () => {
    const { admission } = anAdmission(10_000);
    admission.waited(30_000, 31_000);
    admission.waited(5, 31_005);
    expect(admission.isCrowded(31_006)).toBe(false);
  });

  test('whatever the clock on the wall says', () => {
    const wall = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    const { admission } = anAdmission(501);
    admission.waited(51);
    expect(admission.isCrowded()).toBe(true);
    wall.mockReturnValue(0);
    admission.waited(5);
    expect(admission.isCrowded()).toBe(false);
    wall.mockRestore();
  });
});

describe('who may not begin', () => {
  let crowded: ReturnType<typeof anAdmission>;
  beforeEach(() => {
    crowded = anAdmission(501);
    crowded.admission.waited(51);
  });

  test('hears when to come again, some sooner and some later', () => {
    const errors = Array.from({ length: 200 }, crowded.ask) as AppError[];
    expect(errors.every((error) => error instanceof AppError && error.code === 'overloaded')).toBe(true);
    expect([...new Set(errors.map(({ retryAfterSeconds }) => retryAfterSeconds))].sort()).toEqual([2, 3, 4, 5, 6]);
    expect(crowded.admission.refused).toBe(200);
  });

  test('is counted, and not each has a line of its own in the log', () => {
    for (let asked = 0; asked < 50; asked += 1) crowded.ask();
    expect(crowded.warn.mock.calls).toEqual([
      [{ changes: 501, waitMs: 51, refused: 1 }, 'more under way than gets done: journeys are refused'],
    ]);
    crowded.seen.changes = 500;
    expect([crowded.ask(), crowded.admission.refused]).toEqual(['begins', 50]);
  });
});

/*
 * A shop in virtual time: a process that serves so many steps a second, whoever's they are, and shoppers who take the next
 * of six steps as soon as the one before is answered. Steps wait in line; only a first one may be refused.
 */
const stepsOfJourney = 6;
const servedPerSecond = 1_200;
const capacity = servedPerSecond / stepsOfJourney;
const sliceMs = 10;

function simulate(phases: { seconds: number; journeysPerSecond: number }[]) {
  const line: { step: number; arrivedMs: number }[] = [];
  const { admission, seen } = anAdmission();
  const seconds: { done: number; refused: number; longestMs: number }[] = [];
  let [arriving, serving, nowMs] = [0, 0, 0];
  for (const { seconds: length, journeysPerSecond } of phases) {
    for (const endMs = nowMs + length * 1_000; nowMs < endMs; nowMs += sliceMs) {
      const second = (seconds[Math.floor(nowMs / 1_000)] ??= { done: 0, refused: 0, longestMs: 0 });
      arriving += (journeysPerSecond * sliceMs) / 1_000;
      for (; arriving >= 1; arriving -= 1) {
        seen.changes = line.length + 1;
        if (admission.isCrowded(nowMs)) second.refused += 1;
        else line.push({ step: 1, arrivedMs: nowMs });
      }
      serving = Math.min(serving + (servedPerSecond * sliceMs) / 1_000, line.length);
      for (; serving >= 1; serving -= 1) {
        const { step, arrivedMs } = line.shift()!;
        const waitMs = nowMs + sliceMs - arrivedMs;
        admission.waited(waitMs, nowMs + sliceMs);
        second.longestMs = Math.max(second.longestMs, waitMs);
        if (step === stepsOfJourney) second.done += 1;
        else line.push({ step: step + 1, arrivedMs: nowMs + sliceMs });
      }
    }
  }
  return seconds;
}

describe('a crowd in virtual time', () => {
  test.each([1.25, 1.5, 3, 20])('at %d times its capacity a shop sells what it can', (load) => {
    const seconds = simulate([{ seconds: 30, journeysPerSecond: load * capacity }]).slice(10);
    const done = seconds.reduce((sum, second) => sum + second.done, 0) / seconds.length;
    expect(done).toBeGreaterThan(0.98 * capacity);
    // As long as what may be under way takes, and no longer.
    expect(Math.max(...seconds.map(({ longestMs }) => longestMs))).toBeLessThan((1_100 * 500) / servedPerSecond);
  });

  test('below it nobody is refused', () => {
    const seconds = simulate([{ seconds: 30, journeysPerSecond: 0.95 * capacity }]);
    expect(seconds.reduce((sum, { refused }) => sum + refused, 0)).toBe(0);
  });

  test.each([1.5, 20])('after %d times its capacity it is back to normal within five seconds', (load) => {
    const quiet = { seconds: 10, journeysPerSecond: 0.5 * capacity };
    const seconds = simulate([quiet, { seconds: 20, journeysPerSecond: load * capacity }, quiet]);
    const longest = (of: typeof seconds) => Math.max(...of.map(({ longestMs }) => longestMs));
    const [before, crowd, after] = [seconds.slice(0, 10), seconds.slice(10, 30), seconds.slice(30)];
    expect(longest(crowd)).toBeGreaterThan(10 * longest(before));
    expect(longest(after.slice(5))).toBeLessThanOrEqual(2 * longest(before));
    expect(after.slice(5).every(({ refused }) => refused === 0)).toBe(true);
  });
});
