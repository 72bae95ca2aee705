import { sql, type Kysely, type Selectable } from 'kysely';
import type { Reads } from '@flash-sale/shared/db/reads.ts';
import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import { Batcher } from '@flash-sale/shared/messaging/batcher.ts';
import type { StockLevel, StockView, StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import type { Product } from '../domain/state.ts';
import type { InventoryTables } from './tables.ts';

const maxCached = 10_000;

export interface Page {
  products: Product[];
  nextCursor: string | null;
}

/**
 * Reads for the public catalogue. Products are cached in memory. A product's level comes from Redis, or, where Redis does not
 * know it, from PostgreSQL, many products in one query. The level carries the product's revision, which tells whether the
 * cached product is still current.
 */
export class Catalogue {
  readonly #reads: Reads<InventoryTables>;
  readonly #background: Kysely<InventoryTables>;
  readonly #views: StockViews;
  readonly #products = new Map<string, { product: Product; revision: number }>();
  readonly #productReads: Batcher<string, Product | undefined>;
  readonly #pageReads: Batcher<string, Page>;
  readonly #levelReads: Batcher<string, StockView | undefined>;

  constructor(options: {
    reads: Reads<InventoryTables>;
    /** For the occasional read of the whole table. */
    background: Kysely<InventoryTables>;
    views: StockViews;
  }) {
    this.#reads = options.reads;
    this.#background = options.background;
    this.#views = options.views;
    const limits = { maxItems: 256, maxQueued: 20_000 };
    this.#productReads = new Batcher({ flush: (ids) => this.#readProducts(ids), ...limits });
    this.#pageReads = new Batcher({ flush: (keys) => this.#readPages(keys), ...limits });
    this.#levelReads = new Batcher({ flush: (ids) => this.#readLevels(ids), ...limits });
  }

  /** The product at this revision or a later one. */
  async product(id: string, revision: number): Promise<Product | undefined> {
    const known = this.#products.get(id);
    if (known && known.revision >= revision) return known.product;
    const product = await this.#productReads.run(id);
    if (product) this.#remember(product, revision);
    return product;
  }

  /**
   * From Redis if its levels are trusted, else from PostgreSQL; while PostgreSQL is unreachable, the last level in Redis.
   * @throws AppError unavailable when neither has it
   */
  async level(id: string): Promise<StockView | undefined> {
    const view = await this.#views.read(id);
    if (view) return view;
    try {
      return await this.#levelReads.run(id);
    } catch (error) {
      const last = await this.#views.readLastKnown(id);
      if (last) return last;
      throw error;
    }
  }

  /** Which of these products exist. @throws AppError unavailable */
  async existing(ids: string[]): Promise<string[]> {
    const levels = await this.#readLevels(ids);
    return ids.filter((_id, index) => levels[index] !== undefined);
  }

  /** The current levels of these products; products that do not exist are left out. */
  async levelsOf(ids: string[]): Promise<StockLevel[]> {
    const query = this.#background.selectFrom('stock').selectAll();
    return (await query.where(sql<boolean>`product_id = any(${ids}::uuid[])`).execute()).map(levelOf);
  }

  /** One page of the listed products in order of creation, after `cursor`; concurrent requests for the same page share a query. */
  page(limit: number, cursor?: string): Promise<Page> {
    return this.#pageReads.run(`${limit} ${cursor ?? ''}`);
  }

  /** Every product's level, page by page. */
  async *allLevels(): AsyncGenerator<StockLevel[]> {
    for (let last: string | undefined; ;) {
      let query = this.#background.selectFrom('stock').selectAll().orderBy('product_id').limit(1_000);
      if (last) query = query.where('product_id', '>', last);
      const rows = await query.execute();
      if (rows.length === 0) return;
      yield rows.map(levelOf);
      last = rows.at(-1)!.product_id;
    }
  }

  async #readPages(keys: string[]): Promise<Page[]> {
    const distinct = [...new Set(keys)];
    const pages = await Promise.all(distinct.map((key) => this.#readPage(key)));
    const byKey = new Map(distinct.map((key, index) => [key, pages[index]!]));
    return keys.map((key) => byKey.get(key)!);
  }

  async #readPage(key: string): Promise<Page> {
    const [limit, cursor] = key.split(' ') as [string, string];
    const read = (db: Kysely<InventoryTables>) => {
      const query = db
        .selectFrom('products')
        .selectAll()
        .where('listed', '=', true)
        .orderBy('id')
        .limit(Number(limit) + 1);
      return (cursor ? query.where('id', '>', cursor) : query).execute();
    };
    const rows = await orUnavailable(this.#reads.recent(read));
    const products = rows.slice(0, Number(limit)).map(productOf);
    return { products, nextCursor: rows.length > Number(limit) ? products.at(-1)!.id : null };
  }

  async #readProducts(ids: string[]): Promise<(Product | undefined)[]> {
    const rows = await orUnavailable(
      this.#reads.primary // whose answer is at least as new as the revision under which it is remembered
        .selectFrom('products')
        .selectAll()
        .where(sql<boolean>`id = any(${ids}::uuid[])`)
        .execute(),
    );
    const products = new Map(rows.map((row) => [row.id, productOf(row)]));
    return ids.map((id) => products.get(id));
  }

  /** Several readers may have fetched it at once; the latest revision stays in the cache. */
  #remember(product: Product, revision: number): void {
    if ((this.#products.get(product.id)?.revision ?? 0) >= revision) return;
    if (this.#products.size >= maxCached) this.#products.delete(this.#products.keys().next().value!);
    this.#products.set(product.id, { product, revision });
  }

  async #readLevels(ids: string[]): Promise<(StockView | undefined)[]> {
    const rows = await orUnavailable(
      this.#reads.primary
        .selectFrom('stock')
        .selectAll()
        .where(sql<boolean>`product_id = any(${ids}::uuid[])`)
        .execute(),
    );
    const views = new Map(rows.map((row) => [row.product_id, viewOf(row)]));
    return ids.map((id) => views.get(id));
  }
}

const viewOf = (row: Selectable<InventoryTables['stock']>): StockView => ({
  available: row.total - row.held - row.sold,
  version: row.version,
  revision: row.revision,
});

const levelOf = (row: Selectable<InventoryTables['stock']>): StockLevel => ({
  productId: row.product_id,
  ...viewOf(row),
});

export const productOf = (row: Selectable<InventoryTables['products']>): Product => ({
  id: row.id,
  name: row.name,
  priceCents: row.price_cents,
  currency: row.currency,
  limitPerUser: row.limit_per_user,
  saleStartsAt: row.sale_starts_at,
  saleEndsAt: row.sale_ends_at,
  listed: row.listed,
});
