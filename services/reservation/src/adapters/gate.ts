import type { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import type { CartLine } from '../domain/state.ts';

const mostRemembered = 10_000;

/**
 * Turns buyers away before their request costs anything, by what Redis knows of the stock. When Redis knows nothing,
 * everybody passes: the inventory decides.
 */
export class Gate {
  readonly #views: StockViews;
  readonly #existing = new Set<string>();

  constructor(views: StockViews) {
    this.#views = views;
  }

  /** Whether some line asks for more units than were left a moment ago. */
  async isSoldOut(items: CartLine[]): Promise<boolean> {
    const views = await Promise.all(items.map(({ productId }) => this.#views.read(productId)));
    return items.some(({ quantity }, index) => quantity > (views[index]?.available ?? Infinity));
  }

  /** Whether a product is known not to exist; false whenever that is not certain. */
  async isUnknown(productId: string): Promise<boolean> {
    if (this.#existing.has(productId)) return false;
    if (await this.#views.read(productId)) {
      if (this.#existing.size >= mostRemembered) this.#existing.clear();
      this.#existing.add(productId);
      return false;
    }
    return this.#views.isComplete();
  }
}
