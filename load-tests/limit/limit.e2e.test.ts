import { beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { withClient } from '../../infra/launcher/databases.ts';
import { findK6 } from '../../infra/k6.ts';
import { temporaryFolder } from '../../infra/testing/temporary-folder.ts';
import { runK6 } from '../lib/k6-run.ts';
import { countOf, failsOf } from '../lib/k6-summary.ts';
import { discrepanciesOf, startLimit } from './start.ts';

const buildWithinMs = 900_000;

// Where there is no k6 yet, it is built.
beforeAll(() => findK6(), buildWithinMs);

test('the checkout of the benchmark succeeds on the limit, and each of its orders is paid', async () => {
  const folder = await temporaryFolder('limit');
  {
    await using limit = await startLimit(folder);
    const env = { BASE_URL: limit.url, VUS: '20', DURATION: '3s', P95_MS: '60000' };
    const { summary, crossed, complaints } = await runK6({ script: 'checkout.ts', env, timeoutMs: 90_000 });
    expect({ crossed, complaints, wrong: failsOf(summary, 'checks') }).toEqual({
      crossed: [],
      complaints: '',
      wrong: 0,
    });
    const journeys = countOf(summary, 'journeys');
    expect(journeys).toBeGreaterThan(20);
    const counts = await withClient(limit.databaseUrl, async (db) => {
      const sql =
        'SELECT (SELECT count(*) FROM orders)::int AS orders, (SELECT count(*) FROM payments)::int AS payments';
      return (await db.query<object>(sql)).rows[0];
    });
    expect(counts).toEqual({ orders: journeys, payments: journeys });
    expect(await discrepanciesOf(limit.databaseUrl)).toEqual([]);
  }
  await rm(folder, { recursive: true });
}, 120_000);
