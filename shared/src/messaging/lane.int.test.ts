import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { TestDatabase } from '../../../infra/testing/database.ts';
import { isUnavailable } from '../db/connection.ts';
import { LaneConnection } from '../db/lane-connection.ts';
import { firstIdOf, newId } from '../ids.ts';
import { eventually } from '../testing/eventually.ts';
import {
  counted,
  excessiveUser,
  openTallyLane,
  poisonousUser,
  tallyUnitOfWork,
  type TallyLane,
} from '../testing/tally.ts';
import { createTallyDatabase } from '../testing/tally-database.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import type { OutboxRecord } from './transport.ts';

let database: TestDatabase;
let admin: pg.Client;
let drop: () => Promise<void>;
let proxy: TcpProxy;
const opened: (() => Promise<void>)[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);

beforeAll(async () => {
  ({ database, admin, drop } = await createTallyDatabase('lane'));
  proxy = await startTcpProxy(database.url);
  process.on('unhandledRejection', onUnhandled);
});
afterAll(async () => {
  process.off('unhandledRejection', onUnhandled);
  await proxy.close();
  await drop();
});
afterEach(async () => {
  await proxy.restore();
  // Nothing but idle connections may be left, one a lane; and none once the lanes are closed.
  await eventually(async () => {
    const states = await rows<{ state: string }>(`SELECT state FROM pg_stat_activity WHERE usename = '${user()}'`);
    expect(states.filter(({ state }) => state !== 'idle')).toEqual([]);
    expect(states.length).toBeLessThanOrEqual(opened.length);
  });
  for (const close of opened.splice(0)) await close();
  await eventually(async () => expect(await connections()).toBe(0));
  await admin.query('TRUNCATE tallies, claims, inbox, outbox');
  expect(unhandled.splice(0)).toEqual([]);
});

const user = () => new URL(database.url).username;
const rows = async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
  (await admin.query<R>(text, values)).rows;
const connections = async () =>
  (await rows(`SELECT FROM pg_stat_activity WHERE usename = '${user()}' AND backend_type = 'client backend'`)).length;
const killConnections = () =>
  rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user()}'`);
const tallies = async () =>
  Object.fromEntries((await rows<{ id: string; count: number }>('SELECT * FROM tallies')).map((r) => [r.id, r.count]));
const outbox = () => rows<{ id: string; events: OutboxRecord['events'] }>('SELECT id, events FROM outbox ORDER BY id');
const announced = async () => (await outbox()).flatMap(({ events }) => events.map(({ data }) => data.orderId)).sort();
const inboxSize = async () => (await rows('SELECT FROM inbox')).length;

function open(...[url, overrides]: Partial<Parameters<typeof openTallyLane>>): TallyLane {
  const { lane, close } = openTallyLane(url ?? database.url, overrides);
  opened.push(close);
  return lane;
}

/** Holds the lock of a tally until released, so that a lane that wants it waits in the middle of its transaction. */
async function locked(id: string) {
  await rows('INSERT INTO tallies VALUES ($1, 0) ON CONFLICT DO NOTHING', [id]);
  const holder = new pg.Client({ connectionString: database.adminUrl });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM tallies WHERE id = $1 FOR UPDATE', [id]);
  return {
    holder,
    somebodyWaits: () =>
      eventually(async () => {
        const waiting = await rows(
          `SELECT FROM pg_stat_activity WHERE usename = '${user()}' AND wait_event_type = 'Lock'`,
        );
        expect(waiting.length).toBeGreaterThan(0);
      }),
    release: async () => {
      await holder.query('COMMIT');
      await holder.end();
    },
  };
}

describe('too much behind it', () => {
  test('refuses new work, and only that, until less waits', async () => {
    let overloaded = true;
    const unitOfWork = tallyUnitOfWork({ sheddable: ['announce'] });
    const lane = open(database.url, { unitOfWork, isOverloaded: () => overloaded });
    const id = newId();
    await expect(lane.run('announce', { id })).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 5 });
    expect((await lane.run('add', { id, by: 1 })).result.count).toBe(1);
    expect((await lane.receive([counted({ orderId: id })], 'deliver')).failures).toEqual([]);
    overloaded = false;
    await lane.run('announce', { id });
    expect(await tallies()).toEqual({ [id]: 3 });
  });
});

describe('a batch', () => {
  test('commits in one transaction, together with inbox and outbox, and is delivered after it', async () => {
    const delivered: OutboxRecord[] = [];
    const inOutboxThen: number[] = [];
    const lane = open(database.url, {
      deliver: async (records) => {
        inOutboxThen.push((await outbox()).length);
        delivered.push(...records);
      },
    });
    const events = Array.from({ length: 30 }, () => counted());
    const ids = Array.from({ length: 30 }, newId);
    const [receipt, ...answers] = await Promise.all([
      lane.receive(events, 'deliver'),
      ...ids.map((id) => lane.run('announce', { id })),
    ]);
    await receipt.delivered;

    expect(answers.map(({ result }) => result.count)).toEqual(ids.map(() => 1));
    const transactions = await rows(`
      SELECT DISTINCT xmin::text FROM (
        SELECT xmin FROM tallies UNION ALL SELECT xmin FROM inbox UNION ALL SELECT xmin FROM outbox) t`);
    expect(transactions.length).toBe(1);
    expect(Object.keys(await tallies()).length).toBe(60);
    expect(await inboxSize()).toBe(30);
    expect(delivered).toEqual((await outbox()).map((row) => ({ ...row, owner: 'order' })));
    expect(delivered.flatMap(({ events: e }) => e).length).toBe(60);
    expect(inOutboxThen).toEqual([1]);
  });

  test('of more than the maximum is committed in several', async () => {
    const lane = open(database.url, { maxItems: 10 });
    const id = newId();
    const answers = await Promise.all(Array.from({ length: 35 }, () => lane.run('add', { id, by: 1 })));
    expect(answers.map(({ result }) => result.count)).toEqual(Array.from({ length: 35 }, (_, n) => n + 1));
    expect(await tallies()).toEqual({ [id]: 35 });
  });

  test('gives what follows back to the sender, who carries it on', async () => {
    const deliver = jest.fn(() => Promise.resolve());
    const lane = open(database.url, { deliver });
    const event = counted();
    const { records, failures } = await lane.receive([event], 'return');
    expect(failures).toEqual([]);
    expect(records.map(({ id, events }) => ({ id, events }))).toEqual(await outbox());
    expect(records).toMatchObject([
      { owner: 'order', events: [{ type: 'order.cancelled', version: 1, data: { orderId: event.data.orderId } }] },
    ]);
    expect(deliver).not.toHaveBeenCalled();
  });

  test('keeps the records of two senders apart', async () => {
    const lane = open();
    const [first, second] = [counted(), counted()];
    const receipts = await Promise.all([lane.receive([first], 'return'), lane.receive([second], 'return')]);
    expect(receipts.map(({ records }) => records.map(({ events }) => events.map(({ data }) => data)))).toEqual([
      [[{ orderId: first.data.orderId }]],
      [[{ orderId: second.data.orderId }]],
    ]);
  });

  test('runs what is to happen after the commit once it is committed, and only then', async () => {
    const done: string[] = [];
    const unitOfWork = tallyUnitOfWork({ committed: ({ changed }) => void done.push(...changed) });
    const lane = open(database.url, { unitOfWork });
    const [good, bad] = [newId(), newId()];
    const results = await Promise.allSettled([
      lane.run('add', { id: good, by: 1 }),
      lane.run('add', { id: bad, by: 5_000 }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(done).toEqual([good]);
  });
});

describe('the inbox', () => {
  test('absorbs the same event twice in one batch', async () => {
    const lane = open();
    const event = counted();
    const { failures } = await lane.receive([event, structuredClone(event)], 'deliver');
    expect(failures).toEqual([]);
    expect(await tallies()).toEqual({ [event.data.orderId]: 1 });
    expect(await announced()).toEqual([event.data.orderId]);
  });

  test('absorbs it in a later batch', async () => {
    const lane = open();
    const event = counted();
    await lane.receive([event], 'return');
    const again = await lane.receive([event, counted()], 'return');
    expect(again.failures).toEqual([]);
    expect(again.records.flatMap(({ events }) => events).length).toBe(1);
    expect((await tallies())[event.data.orderId]).toBe(1);
  });

  test('absorbs it when two instances are brought it at the same time', async () => {
    const lanes = [open(), open()];
    for (let round = 0; round < 10; round += 1) {
      const events = Array.from({ length: 20 }, () => counted());
      const shuffled = events.toReversed();
      const receipts = await Promise.all([lanes[0]!.receive(events, 'return'), lanes[1]!.receive(shuffled, 'return')]);
      expect(receipts.flatMap(({ failures }) => failures)).toEqual([]);
    }
    expect(new Set(Object.values(await tallies()))).toEqual(new Set([1]));
    expect((await announced()).length).toBe(200);
  });

  test('tells decisions which ids are so old that a repeat would not be recognised', async () => {
    const told: boolean[] = [];
    const unitOfWork = tallyUnitOfWork();
    unitOfWork.handlers['stock.commit-refused'] = (_data, _state, { now, isForgotten }) => {
      const of = (ageMs: number) => firstIdOf(new Date(now.getTime() - ageMs));
      told.push(isForgotten(of(60_000)), isForgotten(of(60_001)));
      return { events: [] };
    };
    await open(database.url, { unitOfWork, inboxRetentionMs: 60_000 }).receive([counted()], 'deliver');
    await open(database.url, { unitOfWork }).receive([counted()], 'deliver');
    expect(told).toEqual([false, true, false, false]);
  });

  test('does not remember an event that failed: it is handled when it comes again', async () => {
    let works = false;
    const unitOfWork = tallyUnitOfWork();
    const handle = unitOfWork.handlers['stock.commit-refused'];
    unitOfWork.handlers['stock.commit-refused'] = (...args) => {
      if (!works) throw new Error('not yet');
      return handle(...args);
    };
    const lane = open(database.url, { unitOfWork });
    const event = counted();
    expect((await lane.receive([event], 'deliver')).failures).toMatchObject([
      { eventId: event.id, kind: 'poison', reason: 'not yet', stack: expect.stringContaining('not yet') },
    ]);
    expect(await inboxSize()).toBe(0);
    works = true;
    expect((await lane.receive([event], 'deliver')).failures).toEqual([]);
    expect(await tallies()).toEqual({ [event.data.orderId]: 1 });
  });
});

describe('one item at fault', () => {
  test.each([
    ['the handler throws', poisonousUser],
    ['the database refuses what it saves', excessiveUser],
  ])('among 255 good events stands alone when %s; each neighbour is committed exactly once', async (_how, userId) => {
    const lane = open();
    const events = Array.from({ length: 256 }, (_, n) => counted(n === 101 ? { userId } : {}));
    const bad = events[101]!;
    const { failures, records } = await lane.receive(events, 'return');

    expect(failures).toMatchObject([{ eventId: bad.id, kind: 'poison' }]);
    const good = events.filter((event) => event !== bad).map(({ data }) => data.orderId);
    expect(await tallies()).toEqual(Object.fromEntries(good.map((id) => [id, 1])));
    expect(await announced()).toEqual(good.sort());
    expect(records.map(({ id }) => id).sort()).toEqual((await outbox()).map(({ id }) => id));
    expect(await inboxSize()).toBe(255);
  });

  test('several at fault are found one by one', async () => {
    const lane = open();
    const events = Array.from({ length: 64 }, (_, n) => counted(n % 9 === 0 ? { userId: poisonousUser } : {}));
    const { failures } = await lane.receive(events, 'deliver');
    expect(failures.map(({ eventId }) => eventId).sort()).toEqual(
      events
        .filter(({ data }) => data.userId === poisonousUser)
        .map(({ id }) => id)
        .sort(),
    );
    expect(Object.keys(await tallies()).length).toBe(56);
  });

  test('a failing command does not concern its neighbours, and tells its own caller why', async () => {
    const lane = open();
    const id = newId();
    const results = await Promise.allSettled([
      lane.run('announce', { id }),
      lane.run('fail', {}),
      lane.run('add', { id, by: 5_000 }),
      lane.run('announce', { id }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { message: 'told to fail' } });
    expect(results[2]).toMatchObject({ reason: { code: '23514' } });
    expect(await tallies()).toEqual({ [id]: 2 });
    expect((await announced()).length).toBe(2);
  });

  test('what an event needs beforehand fails for that event only', async () => {
    const [good, bad] = [counted(), counted()];
    const prepared: unknown[] = [];
    const unitOfWork = tallyUnitOfWork({
      prepare: {
        'stock.commit-refused': ({ id }) =>
          id === bad.id ? Promise.reject(new Error('gateway away')) : Promise.resolve(`ready ${id}`),
      },
    });
    const handle = unitOfWork.handlers['stock.commit-refused'];
    unitOfWork.handlers['stock.commit-refused'] = (data, state, context, ready) => {
      prepared.push(ready);
      return handle(data, state, context, ready);
    };
    const lane = open(database.url, { unitOfWork });
    const { failures } = await lane.receive([bad, good], 'deliver');
    expect(failures).toMatchObject([{ eventId: bad.id, reason: 'gateway away' }]);
    expect(prepared).toEqual([`ready ${good.id}`]);
    expect(await tallies()).toEqual({ [good.data.orderId]: 1 });
  });

  test('an event that no handler knows is poison', async () => {
    const unitOfWork = tallyUnitOfWork({ handlers: {} as never });
    const event = counted();
    const { failures } = await open(database.url, { unitOfWork }).receive([event], 'deliver');
    expect(failures).toMatchObject([
      { eventId: event.id, kind: 'poison', reason: 'order does not handle stock.commit-refused' },
    ]);
  });
});

describe('the database is away', () => {
  test('a connection that was killed while idle is replaced; no work is lost', async () => {
    const lane = open();
    const id = newId();
    await lane.run('add', { id, by: 1 });
    await killConnections();
    await eventually(async () => expect(await connections()).toBe(0));
    await eventually(() => lane.run('add', { id, by: 1 }));
    expect(await tallies()).toEqual({ [id]: 2 });
  });

  test('killed within a transaction, everything in it is unavailable and nothing is done; then it goes on', async () => {
    const lane = open();
    const id = newId();
    const lock = await locked(id);
    const event = counted({ orderId: id });
    const results = Promise.allSettled([
      lane.run('announce', { id }),
      lane.run('claim', { id, by: 'me' }),
      lane.receive([event], 'deliver'),
    ]);
    await lock.somebodyWaits();
    await killConnections();

    expect(await results).toMatchObject([
      { status: 'rejected', reason: { code: 'unavailable', retryAfterSeconds: 1 } },
      { status: 'rejected', reason: { code: 'unavailable' } },
      { status: 'fulfilled', value: { failures: [{ eventId: event.id, kind: 'unreachable' }] } },
    ]);
    await lock.release();
    expect(await tallies()).toEqual({ [id]: 0 });
    expect([await inboxSize(), (await outbox()).length]).toEqual([0, 0]);

    expect((await lane.receive([event], 'deliver')).failures).toEqual([]);
    expect(await tallies()).toEqual({ [id]: 1 });
  });

  test('out of reach: unavailable at once; back in reach: on it goes, without a restart', async () => {
    const lane = open(proxy.url);
    const id = newId();
    await lane.run('add', { id, by: 1 });
    await proxy.cut();
    const startedAt = performance.now();
    await expect(lane.run('add', { id, by: 1 })).rejects.toMatchObject({ name: 'AppError', code: 'unavailable' });
    const event = counted();
    expect((await lane.receive([event], 'deliver')).failures).toMatchObject([{ kind: 'unreachable' }]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);

    await proxy.restore();
    expect((await lane.run('add', { id, by: 1 })).result.count).toBe(2);
    expect((await lane.receive([event], 'deliver')).failures).toEqual([]);
  });

  test('never there from the beginning: unavailable, and it starts when the database does', async () => {
    await proxy.cut();
    const lane = open(proxy.url);
    await expect(lane.run('add', { id: newId(), by: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    await proxy.restore();
    expect((await lane.run('add', { id: newId(), by: 1 })).result.count).toBe(1);
  });

  test('lets nobody in: unavailable, and no event is blamed for it', async () => {
    const lane = open();
    const event = counted();
    await rows(`ALTER ROLE ${user()} NOLOGIN`);
    try {
      await expect(lane.run('add', { id: newId(), by: 1 })).rejects.toMatchObject({ code: 'unavailable' });
      expect((await lane.receive([event], 'deliver')).failures).toMatchObject([{ kind: 'unreachable' }]);
    } finally {
      await rows(`ALTER ROLE ${user()} LOGIN`);
    }
    expect((await lane.receive([event], 'deliver')).failures).toEqual([]);
  });

  test('silent: given up on after the time of a statement, unavailable, and replaced', async () => {
    const lane = open(proxy.url, { statementTimeoutMs: 500 });
    const id = newId();
    await lane.run('add', { id, by: 1 });
    proxy.stall();
    await expect(lane.run('add', { id, by: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    await proxy.restore();
    await eventually(() => lane.run('add', { id, by: 1 }));
    expect(await tallies()).toEqual({ [id]: 2 });
  });

  test('a connection that the network has forgotten is replaced', async () => {
    const lane = open(proxy.url, { statementTimeoutMs: 500 });
    const id = newId();
    await lane.run('add', { id, by: 1 });
    proxy.forget();
    await expect(lane.run('add', { id, by: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await lane.run('add', { id, by: 1 })).result.count).toBe(2);
    await proxy.cut();
  });

  test('closing does not wait for an answer that never comes', async () => {
    const connection = new LaneConnection({ url: proxy.url, statementTimeoutMs: 60_000, onError: () => {} });
    const one = { name: 'one', text: 'SELECT 1' };
    await connection.transaction((tx) => tx.read(one, []));
    proxy.stall();
    const stuck = connection.transaction((tx) => tx.read(one, [])).catch((error: unknown) => error);
    await sleep(20);
    const startedAt = performance.now();
    await connection.close();
    expect(isUnavailable(await stuck)).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await expect(connection.transaction((tx) => tx.read(one, []))).rejects.toMatchObject({ code: '57P01' });
  });

  test('a statement that waits too long for a lock is unavailable, and its connection stays usable', async () => {
    const lane = open(database.url, { statementTimeoutMs: 500 });
    const id = newId();
    const lock = await locked(id);
    await expect(lane.run('add', { id, by: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await lane.run('add', { id: newId(), by: 1 })).result.count).toBe(1);
    // Others get through, so it is the event’s own misfortune.
    expect((await lane.receive([counted({ orderId: id })], 'deliver')).failures).toMatchObject([{ kind: 'transient' }]);
    await lock.release();
    expect((await lane.run('add', { id, by: 1 })).result.count).toBe(1);
  });
});

describe('conflicts with other transactions', () => {
  /** Fails the next writes to tallies with a serialisation failure; the sequence does not roll back. */
  const failNext = async (times: number) => {
    await rows(`
      CREATE SEQUENCE failures;
      GRANT USAGE ON SEQUENCE failures TO ${user()};
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('failures') <= ${times} THEN RAISE serialization_failure; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON tallies FOR EACH STATEMENT EXECUTE FUNCTION fail()`);
  };
  afterEach(() =>
    rows('DROP TRIGGER IF EXISTS fail ON tallies; DROP FUNCTION IF EXISTS fail; DROP SEQUENCE IF EXISTS failures'),
  );

  test('a deadlock is tried again, and everything is done once', async () => {
    const lane = open();
    const [first, second] = [newId(), newId()].sort() as [string, string];
    await rows('INSERT INTO tallies VALUES ($1, 0), ($2, 0)', [first, second]);
    const lock = await locked(second);
    // The other one will not look for deadlocks itself, so that it is the lane which loses.
    await lock.holder.query(`SET LOCAL deadlock_timeout = '20s'`);
    const both = Promise.all([lane.run('announce', { id: second }), lane.run('announce', { id: first })]);
    await lock.somebodyWaits();
    await lock.holder.query('UPDATE tallies SET count = count + 10 WHERE id = $1', [first]);
    await lock.release();

    await both;
    expect(await tallies()).toEqual({ [first]: 11, [second]: 1 });
    expect((await announced()).length).toBe(2);
  });

  test('a serialisation failure is tried again', async () => {
    await failNext(3);
    const id = newId();
    expect((await open().run('announce', { id })).result.count).toBe(1);
    expect(await tallies()).toEqual({ [id]: 1 });
    expect(await announced()).toEqual([id]);
  });

  test('one that does not end is unavailable to a command, transient for an event', async () => {
    await failNext(1_000);
    const lane = open();
    await expect(lane.run('add', { id: newId(), by: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await lane.receive([counted()], 'deliver')).failures).toMatchObject([{ kind: 'transient' }]);
    expect(await tallies()).toEqual({});
  });

  test('who loses a race for a new row looks again, and finds the winner', async () => {
    const lanes = [open(), open()];
    for (let round = 0; round < 10; round += 1) {
      const id = newId();
      const answers = await Promise.all(lanes.map((lane, n) => lane.run('claim', { id, by: String(n) })));
      expect(answers.map(({ result }) => result.claim).sort()).toEqual(['taken', 'yours']);
    }
  });
});

describe('the queue', () => {
  test('refuses what is too much at once, and goes on when there is room', async () => {
    const lane = open(database.url, { maxItems: 1, maxQueued: 2 });
    const id = newId();
    const lock = await locked(id);
    const first = lane.run('add', { id, by: 1 });
    await lock.somebodyWaits();
    const waiting = [lane.run('add', { id, by: 1 }), lane.run('add', { id, by: 1 })];
    await expect(lane.run('add', { id, by: 1 })).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
    const event = counted();
    expect((await lane.receive([event], 'deliver')).failures).toMatchObject([
      { eventId: event.id, kind: 'unreachable' },
    ]);

    await lock.release();
    await Promise.all([first, ...waiting]);
    expect((await lane.run('add', { id, by: 1 })).result.count).toBe(4);
    expect((await lane.receive([event], 'deliver')).failures).toEqual([]);
  });
});

describe('acknowledgements', () => {
  /** Puts rows into the outbox and answers their ids. */
  const undelivered = async (lane: TallyLane, records: number) => {
    for (let n = 0; n < records; n += 1) await lane.run('announce', { id: newId() });
    return (await outbox()).map(({ id }) => id);
  };

  test('remove their rows within a moment, though nothing else happens', async () => {
    const lane = open();
    const [first, second, third] = await undelivered(lane, 3);
    lane.acknowledge([third!, first!, newId()]);
    await eventually(async () => expect((await outbox()).map(({ id }) => id)).toEqual([second]));
  });

  test('that leave by themselves keep none waiting that come after', async () => {
    const lane = open();
    const ids = await undelivered(lane, 12);
    const startedAt = performance.now();
    for (const id of ids) {
      lane.acknowledge([id]);
      await eventually(async () => expect((await outbox()).map((row) => row.id)).not.toContain(id));
    }
    // Two seconds; it would be eleven if each waited as long as one that has failed.
    expect(performance.now() - startedAt).toBeLessThan(9_000);
  });

  test('travel with the next transaction', async () => {
    const lane = open();
    const [only] = await undelivered(lane, 1);
    lane.acknowledge([only!]);
    await lane.run('add', { id: newId(), by: 1 });
    expect(await outbox()).toEqual([]);
  });

  test('survive the transaction they travelled with', async () => {
    const lane = open();
    const [only] = await undelivered(lane, 1);
    lane.acknowledge([only!]);
    await lane.run('fail', {}).catch(() => {});
    expect((await outbox()).length).toBe(1);
    await lane.run('add', { id: newId(), by: 1 });
    expect(await outbox()).toEqual([]);
  });

  test('that could not be written because the database was away leave with the next transaction', async () => {
    const lane = open(proxy.url);
    const [only] = await undelivered(lane, 1);
    await proxy.cut();
    lane.acknowledge([only!]);
    await sleep(300);
    await proxy.restore();
    await lane.run('add', { id: newId(), by: 1 });
    expect(await outbox()).toEqual([]);
  });

  test('that the database does not take keep no process that has ended its work', async () => {
    const tally = new URL('../testing/tally.ts', import.meta.url);
    const script = `
      import { openTallyLane } from '${tally.href}';
      openTallyLane('postgres://nobody@127.0.0.1:9/none').lane.acknowledge(['${newId()}']);
      setTimeout(() => {}, 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    try {
      await eventually(() => expect(child.exitCode).toBe(0));
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('are written before drained resolves', async () => {
    const lane = open();
    const ids = await undelivered(lane, 2);
    lane.acknowledge(ids);
    await lane.drained();
    expect(await outbox()).toEqual([]);
  });
});
