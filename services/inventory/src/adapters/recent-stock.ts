import { sql, type Kysely } from 'kysely';
import type { Metrics } from '@flash-sale/shared/metrics/metrics.ts';
import type { InventoryTables } from './tables.ts';

const maxWatched = 100;

/**
 * For the metrics: the stock of the products that this process has changed last. Read again each time, since another instance
 * may have changed it in between.
 */
export class RecentStock {
  readonly #background: Kysely<InventoryTables>;
  /** In the order of their last change. */
  readonly #productIds = new Set<string>();
  #rows: InventoryTables['stock'][] = [];

  constructor({ background, metrics }: { background: Kysely<InventoryTables>; metrics: Metrics }) {
    this.#background = background;
    metrics.watch({
      measurement: 'stock',
      tag: 'product',
      gauges: {
        total: 'flash_sale_stock_total_units',
        held: 'flash_sale_stock_held_units',
        sold: 'flash_sale_stock_sold_units',
        available: 'flash_sale_stock_available_units',
      },
      read: () =>
        this.#rows.map(({ product_id, total, held, sold }) => ({
          of: product_id,
          fields: { total, held, sold, available: total - held - sold },
        })),
    });
  }

  changed(productIds: string[]): void {
    for (const id of productIds) {
      this.#productIds.delete(id);
      this.#productIds.add(id);
    }
    for (const oldest of this.#productIds) {
      if (this.#productIds.size <= maxWatched) return;
      this.#productIds.delete(oldest);
    }
  }

  async refresh(): Promise<void> {
    if (this.#productIds.size === 0) return;
    const ids = [...this.#productIds];
    const query = this.#background.selectFrom('stock').selectAll();
    this.#rows = await query.where(sql<boolean>`product_id = any(${ids}::uuid[])`).execute();
  }
}
