import { beforeAll, expect, test } from '@jest/globals';
import { readdir, rm } from 'node:fs/promises';
import { findK6 } from '../infra/k6.ts';
import { temporaryFolder } from '../infra/testing/temporary-folder.ts';
import { recordRun } from './comparison/recorded-run.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import { putArrivals } from './lib/arrivals.ts';
import { runK6 } from './lib/k6-run.ts';
import { countOf, failsOf, passesOf, trendOf } from './lib/k6-summary.ts';
import { putReading } from './lib/reading.ts';
import { untilQuiet } from './lib/quiet.ts';
import { processTreesOf } from './lib/usage.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import type { Shop } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

const shoppers = 30;
const buildWithinMs = 900_000;

// Where there is no k6 yet, it is built.
beforeAll(() => findK6(), buildWithinMs);

const load = (theShop: () => Shop) => {
  let shop: Shop;
  beforeAll(() => {
    shop = theShop();
  });
  // How fast it is depends on the machine, and is the benchmark's to measure.
  const environment = () => ({
    BASE_URL: shop.stack.url,
    STACK: shop.stack.stack,
    SHOPPERS: String(shoppers),
    P95_MS: '60000',
  });

  test('a crowd that logs in at once is let in', async () => {
    const env = { ...environment(), VUS: String(shoppers), REFUSED_MS: '60000', TRIES_MAX: '100' };
    const { summary, crossed, complaints } = await runK6({ script: 'crowd.ts', env, timeoutMs: 110_000 });
    expect({ crossed, complaints }).toEqual({ crossed: [], complaints: '' });
    expect(countOf(summary, 'let_in')).toBe(shoppers);
    expect(trendOf(summary, 'let_in_after')!.max).toBeGreaterThan(0);
  });

  test('every checkout of shoppers who come back succeeds, without a log-in', async () => {
    const env = { ...environment(), VUS: '10', DURATION: '3s' };
    const { summary, crossed, complaints } = await runK6({ script: 'returning.ts', env, timeoutMs: 90_000 });
    expect({ crossed, complaints }).toEqual({ crossed: [], complaints: '' });
    expect(countOf(summary, 'journeys')).toBeGreaterThan(0);
    expect(trendOf(summary, 'http_req_duration{name:refresh}')!.max).toBeGreaterThan(0);
  });

  test('every checkout succeeds', async () => {
    const env = { ...environment(), VUS: '10', DURATION: '3s' };
    const { summary, crossed, complaints } = await runK6({ script: 'checkout.ts', env, timeoutMs: 90_000 });
    expect({ crossed, complaints }).toEqual({ crossed: [], complaints: '' });
    expect(passesOf(summary, 'http_req_failed')).toBe(0);
    expect(failsOf(summary, 'checks')).toBe(0);
    expect(countOf(summary, 'journeys')).toBeGreaterThan(0);
  });

  test('every reservation is taken without waiting for its outcome', async () => {
    const env = { ...environment(), VUS: '10', DURATION: '3s', WAIT: '0' };
    const { summary, crossed, complaints } = await runK6({ script: 'checkout.ts', env, timeoutMs: 90_000 });
    expect({ crossed, complaints }).toEqual({ crossed: [], complaints: '' });
    expect(countOf(summary, 'journeys')).toBeGreaterThan(0);
  });

  test('shoppers who come whether or not the shop keeps up are all served', async () => {
    const { url, stack, processes } = shop.stack;
    const target = { url, stack, processes: processTreesOf(processes) };
    const after = { rate: 3, seconds: 2 };
    const env = { SHOPPERS: String(shoppers), RAMP_SECONDS: '1' };
    const result = await putArrivals(target, { name: 'arrivals', rate: 5, seconds: 3, after, env });
    expect(result).toMatchObject({ dropped: 0, shed: 0, wrong: 0, complaints: '' });
    expect(Object.keys(result.steps)).toHaveLength(6);
    expect(result.arrived).toBeGreaterThan(5);
    expect(result.after.reduce((sum, { arrived }) => sum + arrived, 0)).toBeGreaterThan(0);
  });

  test('shoppers look at what they have bought, and find it, beside others who only look', async () => {
    const { url, stack, processes } = shop.stack;
    const target = { url, stack, processes: processTreesOf(processes) };
    // Each with an account of their own.
    const env = { SHOPPERS: String(shoppers), VUS: '25' };
    const result = await putReading(target, { rate: 3, readsOfPurchase: 10, readers: 3, seconds: 4 }, env);
    expect(result).toMatchObject({ wrong: 0, dropped: 0, complaints: '' });
    expect(result.purchasesPerSecond).toBeGreaterThan(1);
    expect(result.readsPerSecond).toBeGreaterThan(10 * result.purchasesPerSecond);
    expect(result.read!.max).toBeGreaterThan(0);
  });

  test('a run of the comparison: its seconds add up, and afterwards the shop comes to rest', async () => {
    const { url, stack, processes } = shop.stack;
    const folder = await temporaryFolder('recorded-run');
    try {
      const target = { url, stack, processes: processTreesOf(processes) };
      const run = await recordRun(target, { vus: 10, seconds: 5, repeat: 1, folder });
      expect(run).toMatchObject({ crossed: [], failed: 0, wrong: 0, complaints: '' });
      expect(run.requests).toBe(run.journeys * Object.keys(run.steps).length);
      const answered = run.timeline.load.requests.reduce((sum, requests) => sum + requests, 0);
      // The record has the two requests of the set-up too, and ends with the last whole second.
      expect(answered).toBeGreaterThan(run.requests / 2);
      expect(answered).toBeLessThanOrEqual(run.requests + 2);
      expect(run.timeline.usage.services.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['postgres', 'redis', 'nginx', 'user', 'inventory', 'reservation', 'order', 'payment']),
      );
      expect(await readdir(folder)).toHaveLength(2);
      await untilQuiet(shop.stack);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('of many buyers at one moment, as many get a unit as there are units', async () => {
    const env = { ...environment(), BUYERS: '100', STOCK: '10', PREPARE_SECONDS: '10' };
    const { summary, crossed, complaints } = await runK6({ script: 'race.ts', env, timeoutMs: 110_000 });
    const outcome = { sold: countOf(summary, 'sold'), soldOut: countOf(summary, 'sold_out'), crossed, complaints };
    expect(outcome).toEqual({ sold: 10, soldOut: 90, crossed: [], complaints: '' });
  });

  test('the books balance', () => expectAuditClean(shop.stack));
};

// The scripts are what is tested: they know of answers that come at once, and of those that are waited for.
onEachStack('under load', { demo: { shoppers }, env: liftedBounds }, load, ['sync', 'async']);
