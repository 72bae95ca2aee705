import { expect, jest, test } from '@jest/globals';
import type { OutboxBacklog } from '../messaging/outbox-look.ts';
import { Backlog, type BacklogOptions } from './backlog.ts';

const limits = { outboxRecords: 100, outboxAgeMs: 60_000, queueMessages: 1_000, unpublishedAgeMs: 30_000 };

/** A backlog over an outbox that holds what the test says, beside a transport without a broker unless given. */
function aBacklog(transport: BacklogOptions['transport'] = {}) {
  const warn = jest.fn();
  const backlog = new Backlog({ service: 'order', transport, limits, log: { warn } as never });
  const measure = (outbox: OutboxBacklog | undefined) => {
    backlog.outboxIs(outbox);
    return backlog.measureQueues();
  };
  return { backlog, measure, warn };
}

test('nothing is known before the first measurement, and nothing is refused', () => {
  const { backlog } = aBacklog();
  expect(backlog.counts).toEqual({ outbox: undefined, queue: undefined, dead: undefined });
  expect([backlog.oldestRecordMs(), backlog.oldestUnpublishedMs()]).toEqual([undefined, undefined]);
  expect([backlog.isOverloaded, backlog.isStalled]).toEqual([false, false]);
});

test('counts the outbox, the queue of this service and its dead letters', async () => {
  const { backlog, measure } = aBacklog({
    backlog: () => Promise.resolve({ order: 3, payment: 4 }),
    deadLettersLeft: () => Promise.resolve(5),
  });
  await measure({ depth: 2, oldestMs: undefined });
  expect(backlog.counts).toEqual({ outbox: 2, queue: 3, dead: 5 });
});

test.each([
  ['as many outbox records as allowed', { depth: 100, oldestMs: undefined }, {}, true],
  ['one fewer', { depth: 99, oldestMs: undefined }, {}, false],
  ['a record beyond its age', { depth: 1, oldestMs: 60_001 }, {}, true],
  ['a record of that age', { depth: 1, oldestMs: 60_000 }, {}, false],
  ['another service with a full queue', { depth: 0, oldestMs: undefined }, { payment: 1_000 }, true],
  ['many queues that are not full', { depth: 0, oldestMs: undefined }, { payment: 999, order: 999 }, false],
] as const)('%s: is the service overloaded?', async (_, holds, queues, isOverloaded) => {
  const { backlog, measure } = aBacklog({ backlog: () => Promise.resolve(queues) });
  await measure(holds);
  expect(backlog.isOverloaded).toBe(isOverloaded);
});

test('says once that it is overloaded, and once that it is so no more', async () => {
  const { backlog, measure, warn } = aBacklog();
  for (const depth of [100, 200, 1, 2]) await measure({ depth, oldestMs: 7 });
  expect(backlog.isOverloaded).toBe(false);
  const line = 'the backlog crosses its bound';
  expect(warn.mock.calls).toEqual([
    [{ depth: 100, oldestMs: 7, waiting: 0, overloaded: true }, line],
    [{ depth: 1, oldestMs: 7, waiting: 0, overloaded: false }, line],
  ]);
});

test('while the database is away nothing is told, and what was refused stays refused', async () => {
  const { backlog, measure } = aBacklog();
  await measure({ depth: 100, oldestMs: 10 });
  await measure(undefined);
  expect(backlog.counts).toEqual({ outbox: undefined, queue: undefined, dead: undefined });
  expect(backlog.oldestRecordMs()).toBeUndefined();
  expect(backlog.isOverloaded).toBe(true);
});

test('a broker that cannot tell hides nothing of the outbox', async () => {
  const away = () => Promise.reject(new Error('away'));
  const { backlog, measure } = aBacklog({ backlog: away, deadLettersLeft: away });
  await measure({ depth: 100, oldestMs: undefined });
  expect(backlog.counts).toEqual({ outbox: 100, queue: undefined, dead: undefined });
  expect(backlog.isOverloaded).toBe(true);
});

test('a queue of which the broker does not tell counts as it was last known, for a minute', async () => {
  const now = jest.spyOn(performance, 'now').mockReturnValue(0);
  try {
    let answer: () => Promise<Partial<Record<string, number>>> = () => Promise.resolve({ order: 1_000, payment: 3 });
    const { backlog, measure } = aBacklog({ backlog: () => answer() });
    const measureAt = async (atMs: number) => {
      now.mockReturnValue(atMs);
      await measure({ depth: 0, oldestMs: undefined });
      return backlog.isOverloaded;
    };
    expect(await measureAt(0)).toBe(true);
    answer = () => Promise.resolve({ payment: 3 });
    expect(await measureAt(30_000)).toBe(true);
    expect(backlog.counts.queue).toBeUndefined();
    answer = () => Promise.reject(new Error('away'));
    expect(await measureAt(60_000)).toBe(true);
    expect(await measureAt(60_001)).toBe(false);
    answer = () => Promise.resolve({ order: 1_000 });
    expect(await measureAt(61_000)).toBe(true);
    answer = () => Promise.resolve({ order: 0 });
    expect(await measureAt(62_000)).toBe(false);
  } finally {
    now.mockRestore();
  }
});

test('the oldest record grows older between two measurements', async () => {
  const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
  try {
    const { backlog, measure } = aBacklog();
    await measure({ depth: 1, oldestMs: 50 });
    now.mockReturnValue(1_300);
    expect(backlog.oldestRecordMs()).toBe(350);
  } finally {
    now.mockRestore();
  }
});

test.each([
  ['nothing waits', undefined, undefined, undefined, false],
  ['a publication alone', 30_001, undefined, 30_001, true],
  ['a record alone', undefined, 30_001, 30_001, true],
  ['the older of both is the publication', 20, 10, 20, false],
  ['the older of both is the record', 10, 20, 20, false],
] as const)('what the broker has not confirmed: %s', async (_, unconfirmedMs, oldestMs, expectedMs, isStalled) => {
  const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
  try {
    const { backlog, measure } = aBacklog({ oldestUnconfirmedMs: () => unconfirmedMs });
    await measure({ depth: 1, oldestMs });
    expect(backlog.oldestUnpublishedMs()).toBe(expectedMs);
    expect([backlog.isStalled, backlog.isOverloaded]).toEqual([isStalled, isStalled]);
  } finally {
    now.mockRestore();
  }
});

test('without a broker nothing is stalled, however old a record is', async () => {
  const { backlog, measure } = aBacklog();
  await measure({ depth: 1, oldestMs: 59_000 });
  expect([backlog.oldestUnpublishedMs(), backlog.isStalled]).toEqual([undefined, false]);
});
