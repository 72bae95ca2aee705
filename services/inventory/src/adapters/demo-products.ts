import { once } from 'node:events';
import { createLogger } from '@flash-sale/shared/log.ts';
import { connectRedis } from '@flash-sale/shared/redis/connection.ts';
import { StockViews, type StockLevel } from '@flash-sale/shared/redis/stock-view.ts';
import type pg from 'pg';

/**
 * Lists or unlists the demo's products; clients that know their ids can buy them either way. Locks the stock rows in the order
 * of their ids, as lanes do, and raises their version, so that caches notice the change.
 * @returns the levels to publish
 */
export async function listDemoProducts(client: pg.ClientBase, listed: boolean): Promise<StockLevel[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT product_id AS id FROM stock WHERE product_id IN (SELECT id FROM products WHERE demo AND listed <> $1)
      ORDER BY product_id FOR UPDATE`,
    [listed],
  );
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  await client.query('UPDATE products SET listed = $2 WHERE id = ANY($1::uuid[])', [ids, listed]);
  const changed = await client.query<
    Record<'total' | 'held' | 'sold' | 'version' | 'revision', string> & { id: string }
  >(
    `UPDATE stock SET version = version + 1, revision = revision + 1 WHERE product_id = ANY($1::uuid[])
     RETURNING product_id AS id, total, held, sold, version, revision`,
    [ids],
  );
  return changed.rows.map(({ id, total, held, sold, version, revision }) => ({
    productId: id,
    available: Number(total) - Number(held) - Number(sold),
    version: Number(version),
    revision: Number(revision),
  }));
}

/** The running inventory has marked Redis as complete: a product that is missing there could not be bought. */
export async function publishLevels(redisUrl: string, levels: StockLevel[]): Promise<void> {
  if (levels.length === 0) return;
  const redis = connectRedis(redisUrl, createLogger({ service: 'inventory', instance: 'demo', level: 'silent' }));
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(2_000) });
    await new StockViews(redis).write(levels);
  } catch {
    // Without Redis no buyer is turned away, and once it is back the inventory fills it.
  } finally {
    redis.disconnect();
  }
}
