import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import type pg from 'pg';
import type { TestDatabase } from '../../../infra/testing/database.ts';
import { openReads } from '../db/connection.ts';
import { newId } from '../ids.ts';
import { anEvent } from '../testing/events.ts';
import { type TallyTables } from '../testing/tally.ts';
import { createTallyDatabase } from '../testing/tally-database.ts';
import { pruneInbox, sweepOutbox } from './housekeeping.ts';
import type { OutboxRecord } from './transport.ts';

const log = pino({ level: 'silent' });
let database: TestDatabase;
let admin: pg.Client;
let drop: () => Promise<void>;
let db: Kysely<TallyTables>;
let delivered: OutboxRecord[];

beforeAll(async () => {
  ({ database, admin, drop } = await createTallyDatabase('housekeeping'));
  db = openReads({ url: database.url, poolSize: 4, statementTimeoutMs: 5_000, onError: () => {} });
});
afterAll(async () => {
  await db.destroy();
  await drop();
});
beforeEach(() => {
  delivered = [];
});
afterEach(() => admin.query('TRUNCATE outbox, inbox'));

/** A record in the outbox, due `dueInMs` from now; once swept it is due again only half a minute later. */
async function aRecord({ dueInMs = -1, attempts = 5 } = {}): Promise<OutboxRecord> {
  const record: OutboxRecord = { id: newId(), owner: 'order', events: [anEvent('order.cancelled')] };
  await admin.query(
    `INSERT INTO outbox (id, events, next_attempt_at, attempts)
     VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond', $4)`,
    [record.id, JSON.stringify(record.events), dueInMs, attempts],
  );
  return record;
}
const sweep = (overrides: Partial<Parameters<typeof sweepOutbox>[0]> = {}) =>
  sweepOutbox({
    db,
    service: 'order',
    log,
    maxAttempts: 10,
    deliver: (records) => {
      delivered.push(...records);
      return Promise.resolve();
    },
    ...overrides,
  });
/** Sweeps, and looks how long a record waits from then on: at least, as seen after the sweep, and at most. */
const waitAfterSweep = async ({ id }: OutboxRecord, overrides: Parameters<typeof sweep>[0] = {}) => {
  const { rows: before } = await admin.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const swept = await sweep(overrides);
  const { rows } = await admin.query<{ attempts: number; least: number; most: number }>(
    `SELECT attempts, extract(epoch FROM next_attempt_at - clock_timestamp())::float8 AS least,
            extract(epoch FROM next_attempt_at - $2)::float8 AS most
       FROM outbox WHERE id = $1`,
    [id, before[0]!.now],
  );
  return { swept, ...rows[0]! };
};
const countRecords = async () => (await admin.query<{ n: number }>('SELECT count(*)::int AS n FROM outbox')).rows[0]!.n;
const makeDue = () => admin.query(`UPDATE outbox SET next_attempt_at = clock_timestamp() - interval '1 ms'`);

describe('sweepOutbox', () => {
  test('delivers what is due, as it was written, and leaves what is not', async () => {
    const due = await aRecord();
    await aRecord({ dueInMs: 60_000 });
    expect(await sweep()).toBe(1);
    expect(delivered).toEqual([due]);
    expect(await sweep()).toBe(0);
  });

  test('does not remove anything: only an acknowledgement does', async () => {
    await aRecord();
    await sweep();
    expect(await countRecords()).toBe(1);
  });

  test('waits longer from try to try, at most half a minute', async () => {
    const record = await aRecord({ attempts: 0 });
    for (const [attempt, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      await makeDue();
      const { attempts, least, most } = await waitAfterSweep(record);
      expect(attempts).toBe(attempt + 1);
      expect(least).toBeLessThanOrEqual(seconds);
      expect(most).toBeGreaterThanOrEqual(seconds);
    }
  });

  test('one that is stuck is tried on, every five minutes', async () => {
    const record = await aRecord({ attempts: 3 });
    const { swept, least, most } = await waitAfterSweep(record, { maxAttempts: 3 });
    expect(swept).toBe(1);
    expect(delivered).toEqual([record]);
    expect(least).toBeLessThanOrEqual(300);
    expect(most).toBeGreaterThanOrEqual(300);
  });

  test('many that are stuck do not keep others from being delivered', async () => {
    for (let n = 0; n < 40; n += 1) await aRecord({ dueInMs: -1_000, attempts: 10 });
    const fresh = await aRecord();
    await sweep();
    await sweep();
    expect(delivered).toContainEqual(fresh);
    expect(await sweep()).toBe(0);
  });

  test('takes a bounded number at once, the longest waiting first', async () => {
    const records: OutboxRecord[] = [];
    for (let n = 0; n < 40; n += 1) records.push(await aRecord({ dueInMs: -1_000 + n }));
    expect(await sweep()).toBe(32);
    expect(delivered.map(({ id }) => id).sort()).toEqual(
      records
        .slice(0, 32)
        .map(({ id }) => id)
        .sort(),
    );
    expect(await sweep()).toBe(8);
  });

  test('two sweepers at once never take the same record', async () => {
    for (let n = 0; n < 60; n += 1) await aRecord();
    const taken = await Promise.all([sweep(), sweep(), sweep(), sweep()]);
    expect(taken.reduce((sum, n) => sum + n, 0)).toBe(60);
    expect(new Set(delivered.map(({ id }) => id)).size).toBe(60);
    expect(delivered.length).toBe(60);
  });

  test('does not wait for a record that somebody else has locked', async () => {
    const [lockedOne, free] = [await aRecord({ dueInMs: -1_000 }), await aRecord()];
    await admin.query('BEGIN');
    await admin.query('SELECT FROM outbox WHERE id = $1 FOR UPDATE', [lockedOne.id]);
    try {
      expect(await sweep()).toBe(1);
    } finally {
      await admin.query('ROLLBACK');
    }
    expect(delivered).toEqual([free]);
    expect(await sweep()).toBe(1);
  });

  test('a sweeper that dies with records in hand leaves them to the next, after the wait', async () => {
    const record = await aRecord();
    await expect(sweep({ deliver: () => Promise.reject(new Error('killed')) })).rejects.toThrow('killed');
    expect(await sweep()).toBe(0);
    await makeDue();
    expect(await sweep()).toBe(1);
    expect(delivered).toEqual([record]);
  });
});

describe('pruneInbox', () => {
  test('forgets what is older than the retention, and nothing else', async () => {
    const [old, young] = [newId(), newId()];
    await admin.query(
      `INSERT INTO inbox VALUES ($1, now() - interval '61 minutes'), ($2, now() - interval '59 minutes')`,
      [old, young],
    );
    await pruneInbox(db, 3_600_000);
    expect((await admin.query('SELECT event_id FROM inbox')).rows).toEqual([{ event_id: young }]);
  });

  test('goes on, a bounded number at a time, until none is left', async () => {
    await admin.query(
      `INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '2 hours' FROM generate_series(1, 5001)`,
    );
    await pruneInbox(db, 3_600_000);
    expect((await admin.query('SELECT FROM inbox')).rowCount).toBe(0);
  });
});
