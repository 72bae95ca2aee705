import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import { pino } from 'pino';
import type { Redis } from 'ioredis';
import { createTestDatabase, type TestDatabase } from '@flash-sale/infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '@flash-sale/infra/testing/redis.ts';
import { startTestPostgres, startTestReplica, type TestServer } from '@flash-sale/infra/testing/servers.ts';
import { urlFor, withClient } from '@flash-sale/infra/launcher/databases.ts';
import { connectRedis } from '../redis/connection.ts';
import { Positions } from '../redis/positions.ts';
import { eventually } from '../testing/eventually.ts';
import { startTcpProxy } from '../testing/tcp-proxy.ts';
import { openReads } from './connection.ts';
import { LaneConnection, type Statement } from './lane-connection.ts';
import { Reads, verifyCluster, type ReadCause } from './reads.ts';

/* With a real standby, a real Redis, and the rights of a service. */

interface Tables {
  notes: { user_id: string };
}
const insert: Statement = { name: 'insert', text: 'INSERT INTO notes VALUES ($1)' };

let [primary, replica]: TestServer[] = [];
let redis: TestRedis;
let database: TestDatabase;
const closers: (() => unknown)[] = [];
const warnings: string[] = [];
const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });

/** As a process of a service has it. */
interface Instance {
  reads: Reads<Tables>;
  positions: Positions;
  lane: LaneConnection;
  redis: Redis;
}

function open(replicaUrl: string): Instance {
  const options = { poolSize: 2, statementTimeoutMs: 5_000, onError: () => {} };
  const db = openReads<Tables>({ ...options, url: database.url });
  const ofReplica = openReads<Tables>({
    ...options,
    statementTimeoutMs: 500,
    connectWithinMs: 500,
    url: replicaUrl,
    verify: verifyCluster(db),
  });
  const lane = new LaneConnection({ ...options, url: database.url });
  const client = connectRedis(redis.urlOf('order'), log);
  closers.push(
    () => db.destroy(),
    () => ofReplica.destroy(),
    () => lane.close(),
    () => client.disconnect(),
  );
  const positions = new Positions({ redis: client, service: 'order', log });
  return {
    reads: new Reads({ primary: db, replica: { db: ofReplica, positions }, log }),
    positions,
    lane,
    redis: client,
  };
}

/** Before that nobody can be told whose rows change. */
const isReady = ({ redis: client }: Instance) => eventually(() => expect(client.status).toBe('ready'));

const replicaOf = (server: TestServer) => {
  const [url, ours] = [new URL(server.url), new URL(database.url)];
  return urlFor(url.href, ours.pathname.slice(1), ours.username, ours.password);
};

beforeAll(async () => {
  [primary, redis] = await Promise.all([startTestPostgres({ name: 'primary', replicas: 1 }), createTestRedis()]);
  database = await createTestDatabase('reads', primary.url);
  await withClient(database.ownerUrl, (owner) => owner.query('CREATE TABLE notes (user_id text)'));
  replica = await startTestReplica(primary);
});
afterAll(async () => {
  for (const close of closers) await close();
  await replica?.close();
  await database?.drop();
  await Promise.all([primary?.close(), redis?.close()]);
});

const countOf = (userId: string) => async (db: Kysely<Tables>) => {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM notes WHERE user_id = ${userId}`.execute(db);
  return rows[0]!.n;
};
const writes = async (userId: string, { positions, lane }: Instance) => {
  await positions.changing([userId]);
  await lane.transaction(
    (tx) => Promise.resolve(tx.write(insert, [userId])),
    (position) => positions.changed([userId], position),
  );
};
const asks = (userId: string, { reads }: Instance) => reads.ofShopper(userId, countOf(userId));
/** Until a read is answered so. */
const isAnsweredBy = (cause: ReadCause, userId: string, of: Instance, expected: number) =>
  eventually(async () => {
    const before = of.reads.counts[cause];
    expect(await asks(userId, of)).toBe(expected);
    expect(of.reads.counts[cause]).toBeGreaterThan(before);
  });
const onReplica = (statement: string) => withClient(replica!.url, (admin) => admin.query(statement));

describe('with a standby', () => {
  let [first, second]: Instance[] = [];
  let shopper: string;
  let shoppers = 0;
  beforeAll(() => {
    [first, second] = [open(replicaOf(replica!)), open(replicaOf(replica!))];
    return Promise.all([isReady(first), isReady(second)]);
  });
  beforeEach(() => {
    shopper = `shopper-${(shoppers += 1)}`;
    warnings.length = 0;
  });

  test('what one has written one reads, at whichever instance, and mostly there', async () => {
    for (let n = 1; n <= 30; n += 1) {
      await writes(shopper, n % 2 ? first! : second!);
      expect(await Promise.all([first!, second!].map((one) => asks(shopper, one)))).toEqual([n, n]);
    }
    await isAnsweredBy('replica', shopper, first!, 30);
    expect(warnings).toEqual([]);
  });

  test('of whom nothing is known the primary is asked once, and then the standby', async () => {
    const before = { ...first!.reads.counts };
    expect(await asks(shopper, first!)).toBe(0);
    expect(first!.reads.counts.unknown).toBe(before.unknown + 1);
    await isAnsweredBy('replica', shopper, second!, 0);
  });

  test('while something of a shopper may be committed any moment the primary is asked', async () => {
    await isAnsweredBy('replica', shopper, first!, 0);
    await second!.positions.changing([shopper]);
    const { changing } = first!.reads.counts;
    expect(await asks(shopper, first!)).toBe(0);
    expect(first!.reads.counts.changing).toBe(changing + 1);
  });

  test('several ask at once, each as new as they have seen it', async () => {
    await writes(shopper, first!);
    const asked = [{ userId: shopper }, {}, { userId: `${shopper}-new` }];
    const rows = await first!.reads.ofShoppers(asked, (db, some) =>
      Promise.all(some.map(async ({ userId }) => ({ userId, n: await countOf(userId ?? shopper)(db) }))),
    );
    expect(rows.toSorted((a, b) => String(a.userId).localeCompare(String(b.userId)))).toEqual([
      { userId: shopper, n: 1 },
      { userId: `${shopper}-new`, n: 0 },
      { userId: undefined, n: 1 },
    ]);
  });

  test('that has not replayed it the primary answers, and the standby again once it has', async () => {
    await isAnsweredBy('replica', shopper, first!, 0);
    await onReplica('SELECT pg_wal_replay_pause()');
    try {
      await writes(shopper, first!);
      await isAnsweredBy('behind', shopper, second!, 1);
      await first!.reads.look();
      expect(first!.reads.state).toEqual({ up: 1, behindBytes: expect.any(Number) });
      expect(first!.reads.state.behindBytes).toBeGreaterThan(0);
    } finally {
      await onReplica('SELECT pg_wal_replay_resume()');
    }
    await isAnsweredBy('replica', shopper, second!, 1);
    await eventually(async () => {
      await first!.reads.look();
      expect(first!.reads.state).toEqual({ up: 1, behindBytes: 0 });
    });
  });

  test('what everybody may see is as it was at the last look, at least, and of no standby without a look', async () => {
    const all = () => second!.reads.recent(countOf(shopper));
    await eventually(async () => {
      await second!.reads.look();
      const { replica } = second!.reads.counts;
      expect(await all()).toBe(0);
      expect(second!.reads.counts.replica).toBe(replica + 1);
    });
    await onReplica('SELECT pg_wal_replay_pause()');
    try {
      await writes(shopper, first!);
      await second!.reads.look();
      expect(await all()).toBe(1);
    } finally {
      await onReplica('SELECT pg_wal_replay_resume()');
    }
    const fresh = open(replicaOf(replica!));
    expect(await fresh.reads.recent(countOf(shopper))).toBe(1);
    expect(fresh.reads.counts.replica).toBe(0);
  });

  test.each<[string, () => Promise<void>]>([
    ['is stopped', () => replica!.stop()],
    ['is killed', () => replica!.kill()],
  ])('that %s no read fails, one line says so, and it is read when it is back', async (_, away) => {
    await writes(shopper, first!);
    await isAnsweredBy('replica', shopper, first!, 1);
    await away();
    try {
      for (let n = 2; n <= 6; n += 1) {
        await writes(shopper, first!);
        expect(await asks(shopper, first!)).toBe(n);
      }
      expect(first!.reads.counts.away).toBeGreaterThan(0);
      await first!.reads.look();
      expect(first!.reads.state).toEqual({ up: 0 });
      expect(warnings.filter((line) => line.includes('the replica cannot be read'))).toHaveLength(1);
    } finally {
      await replica!.start();
    }
    await isAnsweredBy('replica', shopper, first!, 6);
    await eventually(async () => {
      await first!.reads.look();
      expect(first!.reads.state.up).toBe(1);
    });
  });

  test('that hangs, whoever waits for it has the answer of the primary in half a second, and the others at once', async () => {
    const proxy = await startTcpProxy(replicaOf(replica!));
    closers.unshift(() => proxy.close());
    const instance = open(proxy.url);
    await isReady(instance);
    await writes(shopper, instance);
    await isAnsweredBy('replica', shopper, instance, 1);
    for (const hang of [() => proxy.stall(), () => proxy.forget()]) {
      hang();
      const { away } = instance.reads.counts;
      expect(await asks(shopper, instance)).toBe(1);
      expect(instance.reads.counts.away).toBe(away + 1);
      expect(await Promise.all(Array.from({ length: 20 }, () => asks(shopper, instance)))).toEqual(Array(20).fill(1));
      await proxy.restore();
      await isAnsweredBy('replica', shopper, instance, 1);
    }
  });

  test('of several who ask at once those are answered there for whom it is new enough', async () => {
    const fresh = `${shopper}-fresh`;
    await isAnsweredBy('replica', shopper, first!, 0);
    await onReplica('SELECT pg_wal_replay_pause()');
    try {
      await writes(fresh, first!);
      await isAnsweredBy('behind', fresh, first!, 1);
      const { replica: there, behind } = first!.reads.counts;
      const rows = await first!.reads.ofShoppers([{ userId: shopper }, { userId: fresh }], (db, some) =>
        Promise.all(some.map(({ userId }) => countOf(userId)(db))),
      );
      expect(rows).toEqual([0, 1]);
      expect(first!.reads.counts).toMatchObject({ replica: there + 1, behind: behind + 1 });
    } finally {
      await onReplica('SELECT pg_wal_replay_resume()');
    }
  });

  test('and without Redis the primary answers', async () => {
    await writes(shopper, first!);
    await isAnsweredBy('replica', shopper, second!, 1);
    await redis.stop();
    await writes(shopper, first!);
    expect(await Promise.all([first!, second!].map((one) => asks(shopper, one)))).toEqual([2, 2]);
    await redis.start();
    await eventually(() => expect([first!, second!].map((one) => one.redis.status)).toEqual(['ready', 'ready']));
    expect(await Promise.all([first!, second!].map((one) => asks(shopper, one)))).toEqual([2, 2]);
    await first!.reads.look();
    await isAnsweredBy('changing', shopper, second!, 2); // of whom Redis was not told, for a while
    await isAnsweredBy('replica', `${shopper}-later`, first!, 0);
  });
});

describe('what is no standby of the primary is never read, and one line says so', () => {
  test('a server of another cluster', async () => {
    const other = await startTestPostgres({ name: 'other' });
    closers.unshift(() => other.close());
    const { pathname, username, password } = new URL(database.url);
    await withClient(other.url, async (admin) => {
      await admin.query(`CREATE ROLE ${username} LOGIN PASSWORD '${password}'`);
      await admin.query(`CREATE DATABASE ${pathname.slice(1)} OWNER ${username}`);
    });
    await isNeverRead(replicaOf(other), 'is no standby of the one that DATABASE_URL names');
  });

  test('the primary itself', () => isNeverRead(database.url, 'it is no standby'));

  test('a server that does not let us in', () => {
    const url = new URL(replicaOf(replica!));
    url.password = 'another';
    return isNeverRead(url.href, 'password authentication failed');
  });
});

async function isNeverRead(url: string, reason: string): Promise<void> {
  const instance = open(url);
  await isReady(instance);
  warnings.length = 0;
  for (let n = 1; n <= 3; n += 1) {
    await writes('somebody', instance);
    await eventually(async () => expect(await instance.positions.of(['somebody'])).toEqual([expect.any(Number)]));
    expect(await asks('somebody', instance)).toBeGreaterThan(0);
    await instance.reads.look();
  }
  expect(instance.reads.counts.replica).toBe(0);
  expect(instance.reads.state).toEqual({ up: 0 });
  expect(warnings).toEqual([expect.stringContaining(reason)]);
}
