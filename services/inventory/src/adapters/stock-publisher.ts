import type { Redis } from 'ioredis';
import type { Logger } from '@flash-sale/shared/log.ts';
import type { StockLevel, StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import { availableOf, type Stock } from '../domain/state.ts';
import type { Catalogue } from './catalogue.ts';

export const levelOf = (stock: Stock): StockLevel => ({
  productId: stock.product.id,
  available: availableOf(stock),
  version: stock.version,
  revision: stock.revision,
});

/**
 * Keeps Redis in step with the stock table: each commit's levels at once; all levels when Redis has come back (perhaps
 * empty), when a write was lost, and from time to time in case something else went by unnoticed.
 */
export class StockPublisher {
  readonly #views: StockViews;
  readonly #catalogue: Catalogue;
  readonly #redis: Redis;
  readonly #log: Logger;
  #stale = true;
  #refreshedAtMs = 0;

  constructor(options: { views: StockViews; catalogue: Catalogue; redis: Redis; log: Logger }) {
    this.#views = options.views;
    this.#catalogue = options.catalogue;
    this.#redis = options.redis;
    this.#log = options.log;
    this.#redis.on('ready', () => (this.#stale = true));
  }

  /** Resolves when Redis has the levels, or when it is known that a refresh must bring them. Never rejects. */
  async publish(levels: StockLevel[]): Promise<void> {
    await this.#views.write(levels).catch(() => (this.#stale = true));
  }

  /** Writes all levels if there is a reason to, or if the last time is longer ago than `everyMs`. */
  async refresh(everyMs: number): Promise<void> {
    if (this.#redis.status !== 'ready') return;
    if (!this.#stale && performance.now() - this.#refreshedAtMs < everyMs) return;
    this.#stale = false;
    try {
      let products = 0;
      for await (const levels of this.#catalogue.allLevels()) {
        await this.#views.write(levels);
        products += levels.length;
      }
      await this.#views.markComplete();
      this.#refreshedAtMs = performance.now();
      this.#log.debug({ products }, 'stock levels written to Redis');
    } catch (error) {
      this.#stale = true;
      throw error;
    }
  }
}
