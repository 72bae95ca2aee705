import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '@flash-sale/infra/testing/database.ts';
import { LaneConnection, type Statement } from './lane-connection.ts';

const insertA: Statement = { name: 'insert-a', text: 'INSERT INTO a (n) SELECT * FROM unnest($1::int[])' };
const insertB: Statement = { name: 'insert-b', text: 'INSERT INTO b (n, t) SELECT n, $2 FROM unnest($1::int[]) n' };
const removeA: Statement = { name: 'remove-a', text: 'DELETE FROM a WHERE n = ANY($1::int[])' };
const read: Statement = {
  name: 'read',
  text: 'SELECT ARRAY(SELECT n FROM a ORDER BY n) AS a, ARRAY(SELECT n || t FROM b ORDER BY n) AS b WHERE $1::int > 0',
};

let database: TestDatabase;
let connection: LaneConnection;

beforeAll(async () => {
  database = await createTestDatabase('lane_connection');
  const admin = new pg.Client({ connectionString: database.ownerUrl });
  await admin.connect();
  await admin.query('CREATE TABLE a (n int PRIMARY KEY); CREATE TABLE b (n int PRIMARY KEY, t text NOT NULL)');
  await admin.end();
  connection = new LaneConnection({ url: database.url, statementTimeoutMs: 5_000, onError: () => {} });
});
afterAll(async () => {
  await connection?.close();
  await database?.drop();
});

const contents = () => connection.transaction(async (tx) => (await tx.read(read, [1]))[0]);

describe('lane connection', () => {
  test('writes of one transaction take effect together, each on its own values; a read sees those before it', async () => {
    await connection.transaction(async (tx) => {
      tx.write(insertA, [[1, 2]]);
      tx.write(insertB, [[7], '!']);
      expect(await tx.read(read, [1])).toEqual([{ a: [1, 2], b: ['7!'] }]);
      tx.write(insertB, [[8, 9], '?']);
      tx.write(removeA, [[1]]);
      tx.write(insertA, [[3]]);
    });
    expect(await contents()).toEqual({ a: [2, 3], b: ['7!', '8?', '9?'] });
  });

  test('if one of them fails nothing is written, and its reason is what is thrown', async () => {
    const before = await contents();
    const failing = connection.transaction((tx) => {
      tx.write(insertA, [[50]]);
      tx.write(insertB, [[51], '!']);
      tx.write(insertA, [[2]]);
      return Promise.resolve();
    });
    await expect(failing).rejects.toEqual(expect.objectContaining({ code: '23505', table: 'a' }));
    expect(await contents()).toEqual(before);
  });
});
