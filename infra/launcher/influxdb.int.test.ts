import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestInfluxdb, type TestInfluxdb } from '../testing/influxdb.ts';
import { influxql } from './influxql.ts';

let influxdb: TestInfluxdb;
beforeAll(async () => {
  influxdb = await createTestInfluxdb();
});
afterAll(() => influxdb?.close());

/** As the client of InfluxDB 2 writes. */
const write = (line: string, token = influxdb.token) =>
  fetch(`${influxdb.url}/api/v2/write?org=${influxdb.org}&bucket=${influxdb.bucket}&precision=ms`, {
    method: 'POST',
    headers: { authorization: `Token ${token}`, 'content-type': 'text/plain; charset=utf-8' },
    body: line,
  });

test('takes what a client of InfluxDB 2 writes, and answers it to InfluxQL', async () => {
  const atMs = Date.now();
  expect((await write(`visits,page=home count=3 ${atMs}`)).status).toBe(204);
  // As a number: InfluxDB leaves the zeros out at the end of a time's text.
  const inMilliseconds = await influxql(`${influxdb.queryUrl}&epoch=ms`, 'SELECT count FROM visits GROUP BY page');
  expect(inMilliseconds).toEqual([
    { name: 'visits', tags: { page: 'home' }, columns: ['time', 'count'], values: [[atMs, 3]] },
  ]);
});

test('says what is wrong with a statement', async () => {
  await expect(influxdb.ask('SELECT')).rejects.toThrow('found EOF, expected identifier');
});

test('lets nobody write or ask without the token', async () => {
  expect((await write('visits count=1', 'guessed')).status).toBe(401);
  const guessed = influxdb.queryUrl.replace(`p=${influxdb.token}`, 'p=guessed');
  expect((await fetch(`${guessed}&q=SHOW+MEASUREMENTS`)).status).toBe(401);
});

test('forgets after seven days', async () => {
  const daysAgo = (days: number) => write(`remembered count=1 ${Date.now() - days * 86_400_000}`);
  expect((await daysAgo(6.9)).status).toBe(204);
  // Asked for its retention policies, InfluxDB 2 tells a constant.
  expect(await (await daysAgo(7.1)).text()).toMatch(/points (beyond|outside) retention policy/);
});

test('keeps what it has over a restart', async () => {
  await write('kept count=1');
  await influxdb.stop();
  expect(
    await write('kept count=2').then(
      (answer) => answer.ok,
      () => false,
    ),
  ).toBe(false);
  await influxdb.start();
  expect((await influxdb.ask('SELECT count FROM kept'))[0]?.values.map(([, count]) => count)).toEqual([1]);
});
