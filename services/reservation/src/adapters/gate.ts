import type { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import type { CartLine } from '../domain/state.ts';
import type { ProductQuestions } from './product-questions.ts';

const maxRemembered = 10_000;
/** A product with so many units left will not be sold out within the moment that this is remembered. */
const plenty = 5_000;
const plentyForMs = 100;
const armedForMs = 60_000;

/**
 * Turns buyers away before their request costs anything, by what Redis knows of the stock. When Redis knows nothing,
 * or nothing that can be believed, everybody passes: the inventory decides.
 *
 * To ask it, a cart must be read first, which is wasted on those who find enough. So it is asked only while it is armed:
 * for a minute after a product was put into a cart of which few units were left, or after the inventory has refused one.
 */
export class Gate {
  readonly #views: StockViews;
  readonly #questions: Pick<ProductQuestions, 'isMissing'>;
  readonly #existing = new Set<string>();
  /** Product → until when it need not be looked at again. */
  readonly #plentiful = new Map<string, number>();
  #armedUntilMs = 0;

  constructor(views: StockViews, questions: Pick<ProductQuestions, 'isMissing'>) {
    this.#views = views;
    this.#questions = questions;
  }

  get isArmed(): boolean {
    return performance.now() < this.#armedUntilMs;
  }

  arm(): void {
    this.#armedUntilMs = performance.now() + armedForMs;
  }

  /** Whether some line asks for more units than were left a moment ago. */
  async isSoldOut(items: CartLine[]): Promise<boolean> {
    const available = await Promise.all(items.map(({ productId }) => this.#available(productId)));
    return items.some(({ quantity }, index) => quantity > (available[index] ?? Infinity));
  }

  /**
   * Whether a product is known not to exist; false whenever that is not certain. That Redis does not have it says little,
   * since a single key may have been dropped; it says enough to ask the inventory.
   */
  async isUnknown(productId: string): Promise<boolean> {
    if ((await this.#available(productId)) !== undefined || this.#existing.has(productId)) return false;
    return (await this.#views.areBelieved()) && this.#questions.isMissing(productId);
  }

  /** Units left, infinity for plenty; undefined where Redis does not know or cannot tell. */
  async #available(productId: string): Promise<number | undefined> {
    const now = performance.now();
    if ((this.#plentiful.get(productId) ?? 0) > now) return Infinity;
    const view = await this.#views.read(productId);
    if (!view) return undefined;
    if (this.#existing.size >= maxRemembered) this.#existing.clear();
    this.#existing.add(productId);
    if (view.available < plenty) {
      this.arm();
      return view.available;
    }
    if (this.#plentiful.size >= maxRemembered) this.#plentiful.clear();
    this.#plentiful.set(productId, now + plentyForMs);
    return Infinity;
  }
}
