import type { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import { traced } from '@flash-sale/shared/tracing/running.ts';
import type { CartLine } from '../domain/state.ts';
import type { ProductQuestions } from './product-questions.ts';

const maxRemembered = 10_000;
/** A product with this many units left is not sold out within the time for which that is remembered. */
const plenty = 5_000;
const plentyForMs = 100;
const armedForMs = 60_000;

/**
 * Turns buyers of sold-out products away before their request costs anything, by the levels in Redis. While Redis has no level,
 * or none that is trusted, every request passes, and the inventory decides.
 *
 * A check needs the cart, and reading it is wasted on buyers who find enough units. So requests are checked only while the gate
 * is armed: for a minute after a product with few units left was put into a cart, or after the inventory refused one.
 */
export class Gate {
  readonly #views: StockViews;
  readonly #questions: Pick<ProductQuestions, 'isMissing'>;
  readonly #existing = new Set<string>();
  /** Product → until when it need not be checked again. */
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

  /** Whether a line asks for more units than were left a moment ago. */
  async isSoldOut(items: CartLine[]): Promise<boolean> {
    const look = () => Promise.all(items.map(({ productId }) => this.#available(productId)));
    const available = await traced('gate', look, { kind: 'client' });
    return items.some(({ quantity }, index) => quantity > (available[index] ?? Infinity));
  }

  /**
   * Whether a product is known not to exist; false whenever that is uncertain. A key missing from Redis is no proof, since it may
   * have been evicted, but reason enough to ask the inventory.
   */
  async isUnknown(productId: string): Promise<boolean> {
    if ((await this.#available(productId)) !== undefined || this.#existing.has(productId)) return false;
    return (await this.#views.areBelieved()) && this.#questions.isMissing(productId);
  }

  /** Units left, Infinity for plenty; undefined where Redis does not know or does not answer. */
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
