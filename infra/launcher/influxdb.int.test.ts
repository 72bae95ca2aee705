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
  await expect(influxdb.ask('SELECT')).rejects.toThrow(/error parsing query/);
});

test('lets nobody write or ask without the token', async () => {
  expect((await write('visits count=1', 'guessed')).status).toBe(401);
  const guessed = influxdb.queryUrl.replace(`p=${influxdb.token}`, 'p=guessed');
  expect((await fetch(`${guessed}&q=SHOW+MEASUREMENTS`)).status).toBe(401);
});

test('forgets after seven days', async () => {
  const [policies] = await influxdb.ask(`SHOW RETENTION POLICIES ON ${influxdb.bucket}`);
  expect(policies?.columns.slice(0, 2)).toEqual(['name', 'duration']);
  expect(policies?.values.map(([, duration]) => duration)).toEqual(['168h0m0s']);
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
