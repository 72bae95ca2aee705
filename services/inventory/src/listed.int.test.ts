import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { product as productSchema, productPage } from '@flash-sale/contract/api/schemas.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { testEnvironment } from '@flash-sale/shared/testing/service.ts';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { z } from 'zod';
import { markDemoProducts, migrations } from '../migrations/index.ts';
import { startInventory, startServers, type RunningInventory, type Servers } from './testing/running.ts';

type Product = z.output<typeof productSchema>;

let servers: Servers;
let inventory: RunningInventory;
let token: string;
beforeAll(async () => {
  servers = await startServers();
  inventory = await startInventory(servers);
  token = inventory.tokenOf('admin');
});
afterAll(async () => {
  await inventory?.stop();
  await servers?.close();
});

const create = async (about: Record<string, unknown> = {}) => {
  const body = { name: 'Lamp', priceCents: 100, currency: 'EUR', stock: 5, ...about };
  return (await inventory.call<Product>('POST', '/api/products', { body, token })).body;
};
const change = (id: string, body: unknown) => inventory.call<Product>('PATCH', `/api/products/${id}`, { body, token });
const read = (id: string) => inventory.call<Product>('GET', `/api/products/${id}`);
const listedIds = async () =>
  (await inventory.call<z.output<typeof productPage>>('GET', '/api/products?limit=100')).body.items.map(({ id }) => id);

describe('the shop window', () => {
  test('has what is listed, which is everything unless told otherwise', async () => {
    const [seen, hidden] = [await create(), await create({ listed: false })];
    expect([seen.listed, hidden.listed]).toEqual([true, false]);
    expect(await listedIds()).toEqual([seen.id]);
    expect((await read(hidden.id)).body).toMatchObject({ id: hidden.id, listed: false, available: 5 });

    expect((await change(seen.id, { listed: false })).body.listed).toBe(false);
    expect((await change(hidden.id, { listed: true })).body.listed).toBe(true);
    expect(await listedIds()).toEqual([hidden.id]);
    // What was read before the change is not kept beyond it.
    await eventually(async () => expect((await read(seen.id)).body.listed).toBe(false));
    expect((await change(seen.id, { priceCents: 200 })).body).toMatchObject({ listed: false, priceCents: 200 });
    expect((await change(seen.id, { listed: 'no' })).status).toBe(422);
  });
});

const run = async (script: 'demo' | 'demo-end') => {
  const where = { DATABASE_URL: servers.database.url, REDIS_URL: servers.redis.urlOf('inventory') };
  const args = [join(import.meta.dirname, `${script}.ts`)];
  return (await promisify(execFile)(process.execPath, args, { env: testEnvironment(where) })).stdout;
};

async function asOwner(work: (db: Kysely<unknown>) => Promise<void>): Promise<void> {
  const pool = new pg.Pool({ connectionString: servers.database.ownerUrl, max: 1 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  await work(db).finally(() => db.destroy());
}

describe("the demo's products", () => {
  test('leave the shop window of a start without it, and come back with it; nothing of one’s own does', async () => {
    await servers.rows('TRUNCATE products, stock, holds, buyer_units');
    expect(await run('demo')).toBe('loaded 20 products\n');
    const [demo, own] = [await listedIds(), await create()];
    expect(demo).toHaveLength(20);
    const before = await inventory.call<Product>('GET', `/api/products/${demo[0]}`);

    expect(await run('demo-end')).toBe('took 20 demo products out of the shop window\n');
    expect(await listedIds()).toEqual([own.id]);
    await eventually(async () => expect((await read(demo[0]!)).body.listed).toBe(false));
    expect((await read(demo[0]!)).headers.get('etag')).not.toBe(before.headers.get('etag'));
    expect(await run('demo-end')).toBe('');

    expect(await run('demo')).toBe('');
    expect((await listedIds()).sort()).toEqual([...demo, own.id].sort());
  });

  test('of the release before are recognised by having been made all at once', async () => {
    await servers.rows('TRUNCATE products, stock, holds, buyer_units');
    await run('demo');
    const own = await create({ name: 'Comet sneakers (flash sale)' });
    await servers.rows('ALTER TABLE products DROP COLUMN demo, DROP COLUMN listed');
    await servers.rows('DROP INDEX holds_unpaid');
    await asOwner((db) => migrations['0040-unpaid-and-listed']!.up(db));
    expect(await run('demo-end')).toBe('took 20 demo products out of the shop window\n');
    expect(await servers.rows('SELECT id FROM products WHERE listed')).toEqual([{ id: own.id }]);
  });

  test('are recognised beside a lane that changes them in whatever order', async () => {
    await servers.rows('TRUNCATE products, stock, holds, buyer_units');
    await run('demo');
    await servers.rows('UPDATE products SET demo = false');
    const [last, first] = (
      await servers.rows<{ id: string }>(
        'SELECT max(id::text) AS id FROM products UNION ALL SELECT min(id::text) FROM products',
      )
    ).map(({ id }) => id);
    await asOwner(async (db) => {
      const lane = new pg.Client({ connectionString: servers.database.url });
      await lane.connect();
      await lane.query('BEGIN; SELECT FROM stock ORDER BY product_id FOR UPDATE');
      await lane.query('UPDATE products SET name = name WHERE id = $1', [last]);
      const marked = markDemoProducts(db);
      await eventually(async () => {
        const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%SET demo%'`;
        expect(await servers.rows(waiting)).toHaveLength(1);
      });
      await lane.query('UPDATE products SET name = name WHERE id = $1', [first]);
      await lane.query('COMMIT');
      await lane.end();
      await marked;
    });
    expect(await servers.rows('SELECT FROM products WHERE demo')).toHaveLength(20);
  });
});
