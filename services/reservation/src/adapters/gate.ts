import type { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import type { CartLine } from '../domain/state.ts';

const mostRemembered = 10_000;
/** A product with so many units left will not be sold out within the moment that this is remembered. */
const plenty = 5_000;
const plentyForMs = 100;

/**
 * Turns buyers away before their request costs anything, by what Redis knows of the stock. When Redis knows nothing,
 * everybody passes: the inventory decides.
 */
export class Gate {
  readonly #views: StockViews;
  readonly #existing = new Set<string>();
  /** Product → until when it need not be looked at again. */
  readonly #plentiful = new Map<string, number>();

  constructor(views: StockViews) {
    this.#views = views;
  }

  /** Whether some line asks for more units than were left a moment ago. */
  async isSoldOut(items: CartLine[]): Promise<boolean> {
    const now = performance.now();
    const scarce = items.filter(({ productId }) => !((this.#plentiful.get(productId) ?? 0) > now));
    if (scarce.length === 0) return false;
    const views = await Promise.all(scarce.map(({ productId }) => this.#views.read(productId)));
    return scarce.some(({ productId, quantity }, index) => {
      const available = views[index]?.available ?? Infinity;
      if (available >= plenty && available !== Infinity) this.#remember(productId, now + plentyForMs);
      return quantity > available;
    });
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

  #remember(productId: string, until: number): void {
    if (this.#plentiful.size >= mostRemembered) this.#plentiful.clear();
    this.#plentiful.set(productId, until);
  }
}
