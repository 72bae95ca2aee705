import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { eventually } from '../testing/eventually.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { openWatchedReads, orUnavailable, type PoolUse } from './connection.ts';

let database: TestDatabase;
let proxy: TcpProxy;
let reads: Kysely<unknown>;
let use: () => PoolUse;
const lost: Error[] = [];

beforeAll(async () => {
  database = await createTestDatabase('reads');
});
afterAll(() => database.drop());
beforeEach(async () => {
  lost.splice(0);
  proxy = await startTcpProxy(database.url);
  const onError = (error: Error) => lost.push(error);
  ({ db: reads, use } = openWatchedReads({ url: proxy.url, poolSize: 2, statementTimeoutMs: 1_000, onError }));
});
afterEach(async () => {
  await proxy.close();
  await reads.destroy();
});

const one = async () => (await sql<{ one: number }>`SELECT 1 AS one`.execute(reads)).rows[0]!.one;
const slow = () => sql`SELECT pg_sleep(0.15)`.execute(reads);
const unavailable = expect.objectContaining({ name: 'AppError', code: 'unavailable' });

describe('reads', () => {
  test('bigints are numbers; one that would lose digits is an error, not another number', async () => {
    const { rows } = await sql`SELECT 9007199254740991::bigint AS n`.execute(reads);
    expect(rows).toEqual([{ n: Number.MAX_SAFE_INTEGER }]);
    await expect(sql`SELECT 9007199254740993::bigint AS n`.execute(reads)).rejects.toThrow(/2\^53/);
  });

  test('it is known how many connections are in use, and how many reads wait for one', async () => {
    const gate = Promise.withResolvers<void>();
    const held = [1, 2, 3].map(() => reads.connection().execute(() => gate.promise));
    await eventually(() => expect(use()).toEqual({ used: 2, waiting: 1 }));
    gate.resolve();
    await Promise.all(held);
    expect(use()).toEqual({ used: 0, waiting: 0 });
  });

  test('one that takes too long is ended by the server, and its connection stays usable', async () => {
    await expect(orUnavailable(sql`SELECT pg_sleep(5)`.execute(reads))).rejects.toEqual(unavailable);
    expect(await one()).toBe(1);
  });

  test('connections that are lost in the middle of reads end these reads, and not the process', async () => {
    await one();
    const results = Promise.allSettled([slow(), slow()].map((read) => orUnavailable(read)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await proxy.cut();
    expect(await results).toEqual([
      { status: 'rejected', reason: unavailable },
      { status: 'rejected', reason: unavailable },
    ]);
    await expect(orUnavailable(one())).rejects.toEqual(unavailable);
    await proxy.restore();
    expect(await one()).toBe(1);
    expect(lost.length).toBeGreaterThan(0);
  });

  test('connections that are lost while idle are replaced', async () => {
    await Promise.all([slow(), slow()]);
    await proxy.cut();
    await proxy.restore();
    await eventually(async () => expect(await one()).toBe(1));
  });

  test('connections that the network has forgotten are replaced', async () => {
    await Promise.all([slow(), slow()]);
    proxy.forget();
    const results = await Promise.allSettled([orUnavailable(one()), orUnavailable(one())]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await Promise.all([one(), one()])).toEqual([1, 1]);
  });
});
