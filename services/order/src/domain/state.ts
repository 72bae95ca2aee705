import type { Decision, Order } from './order.ts';

/** The orders that a batch touches, and which of them are new or changed. */
export class OrderState {
  readonly #orders: Map<string, Order>;
  readonly #known: ReadonlySet<string>;
  readonly #changed = new Set<string>();

  constructor(loaded: Order[]) {
    this.#orders = new Map(loaded.map((order) => [order.id, order]));
    this.#known = new Set(this.#orders.keys());
  }

  find(id: string): Order | undefined {
    return this.#orders.get(id);
  }

  /** @throws when the order has never been opened: payments are only asked for after it was */
  get(id: string): Order {
    const order = this.#orders.get(id);
    if (!order) throw new Error(`order ${id} is not known`);
    return order;
  }

  accept({ order }: Decision): void {
    this.#orders.set(order.id, order);
    this.#changed.add(order.id);
  }

  get added(): Order[] {
    return [...this.#changed]
      .sort()
      .filter((id) => !this.#known.has(id))
      .map((id) => this.get(id));
  }

  get changed(): Order[] {
    return [...this.#changed].filter((id) => this.#known.has(id)).map((id) => this.get(id));
  }
}
