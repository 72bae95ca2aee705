import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { newId } from '../ids.ts';
import { anEvent } from '../testing/events.ts';
import { eventually } from '../testing/eventually.ts';
import { Redelivery, type RedeliveryOptions } from './redelivery.ts';
import type { NotDelivered, OutboxRecord } from './transport.ts';

const opened: Redelivery[] = [];
afterEach(() => opened.splice(0).forEach((redelivery) => redelivery.stop()));

function open(options: Partial<RedeliveryOptions> = {}) {
  const tried: { id: string; atMs: number }[] = [];
  const givenBack: { ids: string[]; kind: NotDelivered }[] = [];
  const marked: string[] = [];
  const redelivery = new Redelivery({
    service: 'order',
    deliver: (records) => {
      tried.push(...records.map(({ id }) => ({ id, atMs: performance.now() })));
      return Promise.resolve();
    },
    giveBack: (ids, kind) => {
      givenBack.push({ ids, kind });
      return Promise.resolve();
    },
    markFailing: (ids) => {
      marked.push(...ids);
      return Promise.resolve();
    },
    log: pino({ level: 'silent' }),
    maxHeld: 100,
    holdMs: 60_000,
    handoverMs: 60_000,
    ...options,
  });
  opened.push(redelivery);
  return { redelivery, tried, givenBack, marked };
}
const aRecord = (owner: OutboxRecord['owner'] = 'order'): OutboxRecord => ({
  id: newId(),
  owner,
  events: [anEvent('order.paid')],
});

describe('a record that could not be delivered', () => {
  test('is tried again by itself, later each time, for as long as it fails', async () => {
    const { tried, givenBack, redelivery } = open({
      deliver: (records) => {
        for (const record of records) {
          tried.push({ id: record.id, atMs: performance.now() });
          redelivery.notDelivered(record, 'unreachable');
        }
        return Promise.resolve();
      },
    });
    const startedAt = performance.now();
    redelivery.notDelivered(aRecord(), 'unreachable');
    await eventually(() => expect(tried.length).toBe(3));
    const pauses = tried.map(({ atMs }, n) => atMs - (tried[n - 1]?.atMs ?? startedAt));
    [80, 240, 400].forEach((least, n) => expect(pauses[n]).toBeGreaterThanOrEqual(least));
    expect(givenBack).toEqual([]);
  });

  test('is tried often while a process may be starting again, and every two seconds at last', () => {
    jest.useFakeTimers();
    try {
      const triedAtMs = [performance.now()];
      const { redelivery } = open({
        deliver: ([record]) => {
          triedAtMs.push(performance.now());
          redelivery.notDelivered(record!, 'unreachable');
          return Promise.resolve();
        },
      });
      redelivery.notDelivered(aRecord(), 'unreachable');
      jest.advanceTimersByTime(20_000);
      const pauses = triedAtMs.slice(1).map((atMs, n) => ({ afterMs: atMs - triedAtMs[0]!, ms: atMs - triedAtMs[n]! }));
      const longest = (from: number, to: number) =>
        Math.max(...pauses.filter(({ afterMs }) => from < afterMs && afterMs <= to).map(({ ms }) => ms));
      expect(longest(0, 1_900)).toBeLessThanOrEqual(625);
      expect(longest(0, 20_000)).toBeLessThanOrEqual(2_425);
      expect(longest(10_000, 20_000)).toBeGreaterThanOrEqual(1_600);
    } finally {
      jest.useRealTimers();
    }
  });

  test('is not tried again once it is acknowledged', async () => {
    const { redelivery, tried } = open();
    const [gone, left] = [aRecord(), aRecord()];
    redelivery.notDelivered(gone, 'unreachable');
    redelivery.notDelivered(left, 'unreachable');
    redelivery.forget([gone.id]);
    await eventually(() => expect(tried.map(({ id }) => id)).toEqual([left.id]));
    expect(redelivery.room).toBe(100);
  });

  test('is tried at once when something can be reached again; what was reached and failed is not', () => {
    const { redelivery, tried } = open();
    const [away, failing] = [aRecord(), aRecord()];
    redelivery.notDelivered(away, 'unreachable');
    redelivery.notDelivered(failing, 'transient');
    redelivery.retryNow();
    expect(tried.map(({ id }) => id)).toEqual([away.id]);
  });
});

describe('marked as failing by itself is', () => {
  const fail = (redelivery: Redelivery, record: OutboxRecord, ...kinds: NotDelivered[]) =>
    kinds.forEach((kind) => redelivery.notDelivered(record, kind));

  test('what has failed three times though others got through, once, and it is tried on', async () => {
    const { redelivery, marked, tried, givenBack } = open();
    const [record, second] = [aRecord(), aRecord()];
    fail(redelivery, record, 'transient', 'transient', 'unreachable', 'transient', 'transient');
    fail(redelivery, second, 'transient', 'transient');
    await eventually(() => expect(marked).toEqual([record.id]));
    await eventually(() => expect(tried.map(({ id }) => id).sort()).toEqual([record.id, second.id].sort()));
    expect([marked, givenBack]).toEqual([[record.id], []]);
  });

  test('nothing that an outage keeps from being delivered', async () => {
    const { redelivery, marked } = open();
    const record = aRecord();
    fail(redelivery, record, ...Array<NotDelivered>(10).fill('unreachable'), 'transient', 'transient');
    const other = aRecord();
    fail(redelivery, other, 'transient', 'transient', 'transient');
    await eventually(() => expect(marked).toEqual([other.id]));
  });

  test('none of another service: that one finds out by itself', async () => {
    const { redelivery, marked } = open();
    fail(redelivery, aRecord('inventory'), 'transient', 'transient', 'transient');
    const own = aRecord();
    fail(redelivery, own, 'transient', 'transient', 'transient');
    await eventually(() => expect(marked).toEqual([own.id]));
  });

  test('noted later when the database is away', async () => {
    let tries = 0;
    const { redelivery } = open({
      markFailing: () => ((tries += 1) === 1 ? Promise.reject(new Error('away')) : Promise.resolve()),
    });
    fail(redelivery, aRecord(), 'transient', 'transient', 'transient');
    await eventually(() => expect(tries).toBe(2));
  });
});

describe('given back to the outbox is', () => {
  test('what fails by itself, at once and without another try', async () => {
    const { redelivery, tried, givenBack } = open();
    const record = aRecord();
    redelivery.notDelivered(record, 'poison');
    await eventually(() => expect(givenBack).toEqual([{ ids: [record.id], kind: 'poison' }]));
    expect([tried, redelivery.room]).toEqual([[], 100]);
  });

  test('what has been tried for long enough', async () => {
    const { redelivery, givenBack, tried } = open({ holdMs: 1 });
    const record = aRecord();
    redelivery.notDelivered(record, 'transient');
    await eventually(() => expect(tried.length).toBe(1));
    redelivery.notDelivered(record, 'transient');
    await eventually(() => expect(givenBack).toEqual([{ ids: [record.id], kind: 'transient' }]));
  });

  test('what is more than may be held; what is held stays so', async () => {
    const { redelivery, givenBack } = open({ maxHeld: 2 });
    const records = [aRecord(), aRecord(), aRecord(), aRecord()];
    for (const record of records) redelivery.notDelivered(record, 'unreachable');
    expect(redelivery.room).toBe(0);
    const ids = records.slice(2).map(({ id }) => id);
    await eventually(() => expect(givenBack).toEqual([{ ids, kind: 'unreachable' }]));
  });

  test('again, if the database is away', async () => {
    let tries = 0;
    const { redelivery } = open({
      giveBack: () => ((tries += 1) === 1 ? Promise.reject(new Error('away')) : Promise.resolve()),
    });
    redelivery.notDelivered(aRecord(), 'poison');
    await eventually(() => expect(tries).toBe(2));
  });
});

test('another service’s record is tried only for as long as its owner leaves it to us, and is not ours to give back', async () => {
  const { redelivery, tried, givenBack } = open({ handoverMs: 1 });
  const record = aRecord('inventory');
  redelivery.notDelivered(record, 'unreachable');
  await eventually(() => expect(tried.length).toBe(1));
  const own = aRecord();
  redelivery.notDelivered(record, 'unreachable');
  redelivery.notDelivered(aRecord('inventory'), 'poison');
  redelivery.notDelivered(own, 'poison');
  await eventually(() => expect(givenBack).toEqual([{ ids: [own.id], kind: 'poison' }]));
  expect(redelivery.room).toBe(100);
});

test('once stopped, nothing is tried or given back', async () => {
  const { redelivery, tried, givenBack } = open();
  redelivery.notDelivered(aRecord(), 'unreachable');
  redelivery.stop();
  redelivery.notDelivered(aRecord(), 'unreachable');
  redelivery.notDelivered(aRecord(), 'poison');
  expect(redelivery.room).toBe(100);
  // Another one shows that the time has passed.
  const other = open();
  other.redelivery.notDelivered(aRecord(), 'unreachable');
  other.redelivery.notDelivered(aRecord(), 'poison');
  await eventually(() => expect([other.tried.length, other.givenBack.length]).toEqual([1, 1]));
  expect([tried, givenBack]).toEqual([[], []]);
});
