/** The allowed next statuses of each. A cancelled order becomes refunded if a payment was captured nevertheless. */
export const orderStatuses = {
  'awaiting-payment': ['paid', 'cancelled'],
  paid: ['confirmed', 'refunded'],
  confirmed: [],
  cancelled: ['refunded'],
  refunded: [],
} as const satisfies Record<string, readonly string[]>;
export type OrderStatus = keyof typeof orderStatuses;

export interface OrderLine {
  productId: string;
  name: string;
  quantity: number;
  unitPriceCents: number;
}

export interface Order {
  id: string;
  reservationId: string;
  userId: string;
  status: OrderStatus;
  /** Null while only its end is known: nothing was held for it, or `stock.released` overtook `stock.held`. */
  details: { items: OrderLine[]; totalCents: number; currency: string; expiresAt: string } | null;
  /** The captured payment. */
  paymentId: string | null;
  declinedPayments: number;
}

/** @throws when the table does not allow it: a bug */
export function become(order: Order, status: OrderStatus): Order {
  if (!(orderStatuses[order.status] as readonly OrderStatus[]).includes(status)) {
    throw new Error(`a ${order.status} order cannot become ${status}`);
  }
  return { ...order, status };
}

/** The orders that a batch touches, and which of them are new or changed. */
export class OrderState {
  readonly #orders: Map<string, Order>;
  readonly #known: ReadonlySet<string>;
  readonly #changed = new Set<string>();
  /** Every version of an order that the batch has put, in order: one that passes two statuses is here twice. */
  readonly steps: Order[] = [];

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

  /** Adds an order, or replaces its former version. */
  put(order: Order): void {
    this.#orders.set(order.id, order);
    this.#changed.add(order.id);
    this.steps.push(order);
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
