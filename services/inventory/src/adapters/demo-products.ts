import { once } from 'node:events';
import { createLogger } from '@flash-sale/shared/log.ts';
import { connectRedis } from '@flash-sale/shared/redis/connection.ts';
import { StockViews, type StockLevel } from '@flash-sale/shared/redis/stock-view.ts';
import type pg from 'pg';

/**
 * Puts the demo's products into the shop window, or takes them out; those who have their id may buy them all the same.
 * The stock rows are locked in the order of the ids, as a lane does, and tell by their version that something has changed.
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

/** The running inventory has said that Redis knows every product; what it does not know there nobody could buy yet. */
export async function publishLevels(redisUrl: string, levels: StockLevel[]): Promise<void> {
  if (levels.length === 0) return;
  const redis = connectRedis(redisUrl, createLogger({ service: 'inventory', instance: 'demo', level: 'silent' }));
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(2_000) });
    await new StockViews(redis).write(levels);
  } catch {
    // Without Redis nobody is turned away, and when it is back the inventory fills it.
  } finally {
    redis.disconnect();
  }
}
