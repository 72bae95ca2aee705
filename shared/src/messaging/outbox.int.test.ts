import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { pino } from 'pino';
import type { TestDatabase } from '../../../infra/testing/database.ts';
import { openReads } from '../db/connection.ts';
import { newId } from '../ids.ts';
import { anEvent } from '../testing/events.ts';
import { eventually } from '../testing/eventually.ts';
import { counted, openTallyLane, tallyUnitOfWork, type TallyTables } from '../testing/tally.ts';
import { createTallyDatabase } from '../testing/tally-database.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { running } from '../tracing/running.ts';
import { readTraceparent } from '../tracing/trace-context.ts';
import { Tracing } from '../tracing/tracing.ts';
import { contextOf, type EventContext } from './event-context.ts';
import { lookAtOutbox } from './outbox-look.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';
import type { Intake, NotDelivered, OutboxRecord } from './transport.ts';

const log = pino({ level: 'silent' });
/** Longer than any test takes: what happens before has another reason. */
const neverMs = 60_000;

let database: TestDatabase;
let proxy: TcpProxy;
let admin: pg.Client;
let drop: () => Promise<void>;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  ({ database, admin, drop } = await createTallyDatabase('outbox'));
  proxy = await startTcpProxy(database.url);
});
afterAll(async () => {
  await proxy.close();
  await drop();
});
afterEach(async () => {
  await proxy.restore();
  for (const close of closers.splice(0).reverse()) await close();
  await admin.query('TRUNCATE outbox, inbox, tallies, process');
});

interface Row {
  id: string;
  process_id: string | null;
  attempts: number;
  poison: boolean;
  wait_ms: number;
}
const rows = async () =>
  (
    await admin.query<Row>(
      `SELECT id, process_id, attempts, poison,
              (extract(epoch FROM next_attempt_at - clock_timestamp()) * 1000)::float8 AS wait_ms
         FROM outbox ORDER BY id`,
    )
  ).rows;
const leases = async () =>
  (await admin.query<{ id: string; instance: string }>('SELECT id, instance FROM process ORDER BY id')).rows;

type Outcome = NotDelivered | 'delivered' | 'nobody knows';

/** What one process of a service has of all this: lane and outbox, and a transport that does as it is told. */
async function aProcess(
  instance: string,
  options: Partial<OutboxOptions> & { outcome?: Outcome; url?: string; hasLease?: boolean } = {},
) {
  const { url = database.url, hasLease = true, outcome = 'delivered', ...overrides } = options;
  const db: Kysely<TallyTables> = openReads({ url, poolSize: 1, statementTimeoutMs: 5_000, onError: () => {} });
  const tried: string[] = [];
  const contexts: (EventContext | undefined)[] = [];
  const self = { outcome, tried, contexts, intake: undefined as Intake | undefined, failedTransactions: 0 };
  const transport = {
    deliver: (records: OutboxRecord[]) => {
      for (const record of records) {
        tried.push(record.id);
        contexts.push(...record.events.map(contextOf));
        if (self.outcome === 'delivered') self.intake!.acknowledge([record.id]);
        else if (self.outcome !== 'nobody knows') self.intake!.notDelivered(record, self.outcome);
      }
      return Promise.resolve();
    },
    healthy: () => true,
  };
  const outbox = new Outbox({
    db,
    service: 'order',
    instance,
    transport,
    log,
    leaseMs: neverMs,
    lookEveryMs: 50,
    maxAttempts: 50,
    countAtMost: 1_000,
    maxHeld: 100,
    holdMs: neverMs,
    handoverMs: neverMs,
    ...overrides,
  });
  const { lane, close } = openTallyLane(url, {
    deliver: (records) => transport.deliver(records),
    outboxGraceMs: neverMs,
    handoverMs: neverMs,
    holder: () => outbox.holder,
    unitOfWork: tallyUnitOfWork({ failed: () => void (self.failedTransactions += 1) }),
  });
  const intake = outbox.intakeOf(lane);
  self.intake = intake;
  if (hasLease) await outbox.begin();
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    await outbox.end().catch(() => {});
    await close();
    await db.destroy();
  };
  closers.push(end);
  return Object.assign(self, {
    lane,
    outbox,
    intake,
    /** A record that this process holds and is to deliver. */
    announce: async () => {
      await lane.run('announce', { id: newId() });
      const all = await rows();
      return all.at(-1)!.id;
    },
    end,
    /** As kill -9 does: nothing is said any more. */
    die: async () => {
      const last = await admin.query('SELECT id, instance, expires_at FROM process');
      await end();
      for (const row of last.rows as object[])
        await admin.query(
          `INSERT INTO process VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at`,
          Object.values(row),
        );
    },
  });
}
const leaseIsOver = (instance: string) =>
  admin.query(`UPDATE process SET expires_at = clock_timestamp() - interval '1 ms' WHERE instance = $1`, [instance]);
const noneLeft = () => eventually(async () => expect(await rows()).toEqual([]));

describe('what a process holds', () => {
  test('bears its name, and is nobody else’s though it may be due', async () => {
    const [holder, other] = [await aProcess('1', { outcome: 'nobody knows' }), await aProcess('2')];
    const id = await holder.announce();
    await admin.query(`UPDATE outbox SET next_attempt_at = clock_timestamp()`);
    other.outbox.sweep();
    // Something else is swept meanwhile, so there was time.
    const free = newId();
    await admin.query(`INSERT INTO outbox (id, events, next_attempt_at) VALUES ($1, $2, now())`, [
      free,
      JSON.stringify([anEvent('order.cancelled')]),
    ]);
    await eventually(async () => expect((await rows()).map((row) => row.id)).toEqual([id]));
    expect(other.tried).toEqual([free]);
    expect((await rows())[0]!.process_id).toBe(holder.outbox.holder);
  });

  test('is everybody’s when it has been due for long: its process may not know of it, for want of an answer to its commit', async () => {
    const [forgetful, other] = [await aProcess('1', { outcome: 'nobody knows' }), await aProcess('2')];
    const id = await forgetful.announce();
    await admin.query(`UPDATE outbox SET next_attempt_at = clock_timestamp() - interval '11 seconds'`);
    other.outbox.sweep();
    await eventually(async () => expect(await rows()).toEqual([]));
    expect(other.tried).toEqual([id]);
  });

  test('is not due for a release that knows no processes', async () => {
    const holder = await aProcess('1', { outcome: 'nobody knows' });
    await holder.announce();
    expect((await rows())[0]!.wait_ms).toBeGreaterThan(neverMs / 2);
  });

  test('is tried again by it until it is delivered, without an attempt in the database', async () => {
    const process = await aProcess('1', { outcome: 'unreachable' });
    const id = await process.announce();
    await eventually(() => expect(process.tried).toEqual([id, id, id]));
    expect(await rows()).toMatchObject([{ process_id: process.outbox.holder, attempts: 0 }]);
    process.outcome = 'delivered';
    await noneLeft();
  });
});

describe('what a process has left is taken up at once', () => {
  test('when its lease is over', async () => {
    const [dead, other] = [await aProcess('1', { outcome: 'nobody knows' }), await aProcess('2')];
    const id = await dead.announce();
    await dead.die();
    await leaseIsOver('1');
    other.outbox.sweep();
    await noneLeft();
    expect(other.tried).toEqual([id]);
    await eventually(async () => expect((await leases()).map(({ instance }) => instance)).toEqual(['2']));
  });

  test('with what travels beside its events, if anything does', async () => {
    const [dead, other] = [await aProcess('1', { outcome: 'nobody knows' }), await aProcess('2')];
    const tracing = new Tracing({ sink: { take() {} }, isChosen: () => true, slowMs: 1_000, maxKeptPerSecond: 0 });
    const root = tracing.beginRequest(undefined, 'outside');
    const traces = (of: { contexts: (EventContext | undefined)[] }) =>
      of.contexts.map((context) => readTraceparent(context?.traceparent)?.traceId);
    await running.run(root, () => dead.announce());
    await dead.announce();
    expect(traces(dead)).toEqual([root.traceId, undefined]);
    await dead.die();
    await leaseIsOver('1');
    other.outbox.sweep();
    await noneLeft();
    expect(other.contexts).toHaveLength(2);
    expect(traces(other)).toEqual(expect.arrayContaining([root.traceId, undefined]));
  });

  test('by its successor of the same name, whatever is left of its lease', async () => {
    const dead = await aProcess('1', { outcome: 'nobody knows' });
    const id = await dead.announce();
    await dead.die();
    const successor = await aProcess('1');
    successor.outbox.sweep();
    await noneLeft();
    expect(successor.tried).toEqual([id]);
  });

  test('when it has ended in order', async () => {
    const [leaver, other] = [await aProcess('1', { outcome: 'unreachable' }), await aProcess('2')];
    await leaver.announce();
    other.outbox.sweep();
    await leaver.end();
    await noneLeft();
  });

  test('when the database’s clock was set back by an hour', async () => {
    const [dead, other] = [await aProcess('1', { outcome: 'nobody knows' }), await aProcess('2')];
    await dead.announce();
    await dead.die();
    await admin.query(`UPDATE process SET expires_at = clock_timestamp() + interval '1 hour' WHERE instance = '1'`);
    other.outbox.sweep();
    await noneLeft();
  });

  test('by whoever comes first, and by no second one', async () => {
    const [dead, ...others] = [
      await aProcess('1', { outcome: 'nobody knows' }),
      await aProcess('2'),
      await aProcess('3'),
      await aProcess('4'),
    ];
    for (let n = 0; n < 100; n += 1) await dead.lane.run('announce', { id: newId() });
    await dead.die();
    await leaseIsOver('1');
    for (const { outbox } of others) outbox.sweep();
    await noneLeft();
    const tried = others.flatMap((other) => other.tried);
    expect([tried.length, new Set(tried).size]).toEqual([100, 100]);
  });

  test('but for what its processes may die over: that waits as long as its attempts say', async () => {
    const [dead, other] = [await aProcess('1', { outcome: 'nobody knows' }), await aProcess('2')];
    const [fatal, fresh] = [await dead.announce(), await dead.announce()];
    await admin.query('UPDATE outbox SET attempts = 5 WHERE id = $1', [fatal]);
    await dead.die();
    await leaseIsOver('1');
    other.outbox.sweep();
    await eventually(async () => expect((await rows()).map(({ id }) => id)).toEqual([fatal]));
    expect(other.tried).toEqual([fresh]);
  });

  test('when nobody knows its process any more, after the grace', async () => {
    const lost = newId();
    await admin.query(
      `INSERT INTO outbox (id, events, next_attempt_at, process_id)
       VALUES ($1, $2, clock_timestamp() - interval '1 ms', gen_random_uuid())`,
      [lost, JSON.stringify([anEvent('order.cancelled')])],
    );
    const other = await aProcess('1');
    other.outbox.sweep();
    await noneLeft();
    expect(other.tried).toEqual([lost]);
  });
});

describe('a process that was given up for dead', () => {
  /** It is not really frozen, and may renew its lease before anybody sees that it was over. */
  const givenUp = (instance: string, isTaken: () => void) =>
    eventually(async () => {
      await leaseIsOver(instance);
      isTaken();
    });

  test('goes on where it was, and what was delivered twice is gone once', async () => {
    const frozen = await aProcess('1', { outcome: 'unreachable' });
    await frozen.announce();
    const other = await aProcess('2', { outcome: 'nobody knows' });
    other.outbox.sweep();
    await givenUp('1', () => expect(other.tried.length).toBe(1));
    frozen.outcome = 'delivered';
    await noneLeft();
    // Its next sign of life gives it its lease back.
    await eventually(async () => expect((await leases()).map(({ instance }) => instance).sort()).toEqual(['1', '2']));
    frozen.outcome = 'nobody knows';
    await frozen.announce();
    expect(await rows()).toMatchObject([{ process_id: frozen.outbox.holder }]);
  });

  test('does not give back what is another’s by now', async () => {
    const frozen = await aProcess('1', { outcome: 'unreachable', holdMs: 300 });
    const taken = await frozen.announce();
    const other = await aProcess('2', { outcome: 'nobody knows' });
    other.outbox.sweep();
    await givenUp('1', () => expect(other.tried).toEqual([taken]));
    // It gives back what has waited longest first.
    const own = await frozen.announce();
    await eventually(() => expect(other.tried).toEqual([taken, own]));
    const holder = other.outbox.holder;
    expect(await rows()).toMatchObject([
      { id: taken, process_id: holder },
      { id: own, process_id: holder },
    ]);
    expect(other.tried).toEqual([taken, own]);
  });
});

describe('without the database', () => {
  test('a process begins without a lease, and has one when the database is back', async () => {
    await proxy.cut();
    const process = await aProcess('1', { url: proxy.url, leaseMs: 900 });
    expect(process.outbox.holder).toBeNull();
    await proxy.restore();
    await eventually(() => expect(process.outbox.holder).not.toBeNull());
  });

  test('a lease that cannot be renewed is taken anew afterwards', async () => {
    const process = await aProcess('1', { url: proxy.url, leaseMs: 900 });
    await proxy.cut();
    await leaseIsOver('1');
    await proxy.restore();
    await eventually(async () => {
      const { rows: living } = await admin.query('SELECT FROM process WHERE expires_at > clock_timestamp()');
      expect(living).toHaveLength(1);
    });
    expect((await leases())[0]!.id).toBe(process.outbox.holder);
  });
});

describe('an acknowledgement that the database does not take', () => {
  /** A process that has delivered a record and cannot say so. */
  const aDebtor = async () => {
    const process = await aProcess('1', { url: proxy.url, outcome: 'nobody knows' });
    process.outbox.sweep();
    const id = await process.announce();
    expect(process.tried).toEqual([id]);
    await proxy.cut();
    process.intake.acknowledge([id]);
    await eventually(() => expect(process.failedTransactions).toBe(1));
    return { process, id };
  };

  test('is repeated by itself until the database is back, and the record is not sent again meanwhile', async () => {
    const { process, id } = await aDebtor();
    await eventually(() => expect(process.failedTransactions).toBe(3));
    expect((await rows()).map((row) => row.id)).toEqual([id]);
    await proxy.restore();
    // Nothing else happens here that would take it along.
    await noneLeft();
    expect(process.tried).toEqual([id]);
  });

  test('keeps nobody from stopping; the record is left to the others', async () => {
    const { process, id } = await aDebtor();
    await process.end();
    expect((await rows()).map((row) => row.id)).toEqual([id]);
    await proxy.restore();
    const successor = await aProcess('1');
    successor.outbox.sweep();
    await noneLeft();
    expect(successor.tried).toEqual([id]);
  });
});

describe('rows that name no process', () => {
  test('are taken up when they are due, as from a release that knows none', async () => {
    const old = await aProcess('old', { hasLease: false, outcome: 'nobody knows' });
    await old.announce();
    expect(await rows()).toMatchObject([{ process_id: null }]);
    const process = await aProcess('1');
    process.outbox.sweep();
    await admin.query(`UPDATE outbox SET next_attempt_at = clock_timestamp()`);
    await noneLeft();
  });

  test('are those that are left to a sender, for as long as it may die over them', async () => {
    const process = await aProcess('1', { outcome: 'nobody knows' });
    const { records } = await process.lane.receive([counted()], 'return');
    expect(await rows()).toMatchObject([{ id: records[0]!.id, process_id: null, attempts: 0 }]);
    process.outcome = 'delivered';
    process.outbox.sweep();
    await admin.query(`UPDATE outbox SET next_attempt_at = clock_timestamp()`);
    await noneLeft();
  });
});

describe('what cannot be delivered for long', () => {
  const age = async () => {
    const looker = { id: newId(), instance: 'looker', leaseMs: neverMs };
    return (await lookAtOutbox(openDb(), { ...looker, countAtMost: 1_000, maxAttempts: 50 })).waiting;
  };
  let db: Kysely<TallyTables> | undefined;
  const openDb = () => {
    db ??= openReads({ url: database.url, poolSize: 1, statementTimeoutMs: 5_000, onError: () => {} });
    closers.push(async () => {
      await db?.destroy();
      db = undefined;
    });
    return db as never;
  };

  test('because it fails by itself is tried rarely, counts its attempts, and is not late', async () => {
    const process = await aProcess('1', { outcome: 'poison' });
    await process.announce();
    process.outbox.sweep();
    await eventually(async () => expect(await rows()).toMatchObject([{ process_id: null, poison: true, attempts: 2 }]));
    // Of the first delivery and two that were due a second after each other.
    expect(process.tried.length).toBe(3);
    expect((await rows())[0]!.wait_ms).toBeGreaterThan(0);
    expect(await age()).toEqual({ depth: 1, oldestMs: undefined });
    process.outcome = 'delivered';
    await noneLeft();
  });

  test('because somebody is away is tried on and on, is late, and no attempt', async () => {
    const process = await aProcess('1', { outcome: 'unreachable', holdMs: 1 });
    await process.announce();
    await admin.query(`UPDATE outbox SET created_at = now() - interval '10 minutes'`);
    process.outbox.sweep();
    await eventually(() => expect(process.tried.length).toBeGreaterThan(6));
    expect((await rows())[0]!.attempts).toBeLessThanOrEqual(1);
    expect((await age()).oldestMs).toBeGreaterThan(599_000);
    process.outcome = 'delivered';
    await noneLeft();
    expect(await age()).toEqual({ depth: 0, oldestMs: undefined });
  });

  test('although others get through is tried on, and is late no more as soon as that is seen', async () => {
    const process = await aProcess('1', { outcome: 'transient' });
    const id = await process.announce();
    await admin.query(`UPDATE outbox SET created_at = now() - interval '10 minutes'`);
    expect((await age()).oldestMs).toBeGreaterThan(599_000);
    await eventually(async () => expect(await age()).toEqual({ depth: 1, oldestMs: undefined }));
    // It is nobody else's, and no attempt, for that.
    expect(await rows()).toMatchObject([{ id, process_id: process.outbox.holder, poison: true, attempts: 0 }]);
    const before = process.tried.length;
    await eventually(() => expect(process.tried.length).toBeGreaterThan(before));
    process.outcome = 'delivered';
    await noneLeft();
  });

  test('and was at fault once stays out of the age when it is given back, even by an outage', async () => {
    const process = await aProcess('1', { outcome: 'transient', holdMs: 1 });
    await process.announce();
    process.outbox.sweep();
    await eventually(async () => expect(await rows()).toMatchObject([{ poison: true }]));
    process.outcome = 'unreachable';
    const before = process.tried.length;
    await eventually(() => expect(process.tried.length).toBeGreaterThan(before + 3));
    expect(await age()).toEqual({ depth: 1, oldestMs: undefined });
    process.outcome = 'delivered';
    await noneLeft();
  });

  test('although it was reached counts an attempt each time it is given back', async () => {
    const process = await aProcess('1', { outcome: 'transient', holdMs: 1, maxAttempts: 2 });
    await process.announce();
    process.outbox.sweep();
    await eventually(async () => {
      const [row] = await rows();
      expect([row!.attempts, row!.process_id, row!.wait_ms > 200_000]).toEqual([2, null, true]);
    });
  });

  test('stays in the database beyond what may be held, and all of it arrives in the end', async () => {
    const process = await aProcess('1', { outcome: 'unreachable', maxHeld: 40 });
    for (let n = 0; n < 100; n += 1) await process.lane.run('announce', { id: newId() });
    process.outbox.sweep();
    await eventually(async () => {
      const all = await rows();
      expect([all.length, all.filter((row) => row.process_id !== null).length <= 40]).toEqual([100, true]);
    });
    process.outcome = 'delivered';
    process.intake.reachableAgain();
    await noneLeft();
  });
});
