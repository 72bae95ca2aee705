import { refusePublicDemo } from '@flash-sale/shared/demo.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { StockLevel } from '@flash-sale/shared/redis/stock-view.ts';
import { dropPrivileges } from '@flash-sale/shared/service/privileges.ts';
import pg from 'pg';
import { listDemoProducts, publishLevels } from './adapters/demo-products.ts';
import { readDemoConfig } from './config.ts';

/** Loads the demo's catalogue into an empty inventory: 20 products, one of them hot, with few units and a running sale. */
const names = [
  'Aurora headphones', 'Basalt kettle', 'Cedar desk lamp', 'Drift backpack', 'Ember hoodie', 'Fjord thermos',
  'Granite chess set', 'Harbor raincoat', 'Iris notebook', 'Juniper candle', 'Kite camera strap', 'Lumen bike light',
  'Meadow picnic rug', 'Nimbus umbrella', 'Onyx wallet', 'Pebble speaker', 'Quill fountain pen', 'Ridge tent', 'Slate watch',
]; // prettier-ignore
const plentiful = 100_000;
const hot = { name: 'Comet sneakers (flash sale)', priceCents: 4_900, units: 500, limitPerUser: 2 };

const config = readDemoConfig();
dropPrivileges(config.RUN_AS);
refusePublicDemo(config);
const levels: StockLevel[] = [];
const client = new pg.Client({ connectionString: config.DATABASE_URL });
await client.connect();
try {
  await client.query('BEGIN');
  await client.query('LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE');
  levels.push(...(await listDemoProducts(client, true)));
  const { rows } = await client.query<{ found: boolean }>('SELECT EXISTS (SELECT FROM products) AS found');
  if (!rows[0]!.found) {
    const startsAt = new Date(Date.now() - 60_000);
    const endsAt = new Date(Date.now() + 365 * 86_400_000);
    const products = [
      { ...hot, startsAt, endsAt },
      ...names.map((name, n) => ({
        name,
        priceCents: 1_500 + n * 250,
        units: plentiful,
        limitPerUser: null,
        startsAt: null,
        endsAt: null,
      })),
    ];
    for (const product of products) {
      const id = newId();
      await client.query(
        `INSERT INTO products (id, name, price_cents, currency, limit_per_user, sale_starts_at, sale_ends_at, demo)
         VALUES ($1, $2, $3, 'EUR', $4, $5, $6, true)`,
        [id, product.name, product.priceCents, product.limitPerUser, product.startsAt, product.endsAt],
      );
      await client.query('INSERT INTO stock (product_id, total, held, sold, version) VALUES ($1, $2, 0, 0, 1)', [
        id,
        product.units,
      ]);
      levels.push({ productId: id, available: product.units, version: 1, revision: 1 });
    }
    process.stdout.write(`loaded ${products.length} products\n`);
  }
  await client.query('COMMIT');
} finally {
  await client.end();
}
await publishLevels(config.REDIS_URL, levels);
