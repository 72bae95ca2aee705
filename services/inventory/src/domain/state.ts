/** The inventory's state: the rows that a batch touches, changed in place by its decisions. */
export interface Product {
  id: string;
  name: string;
  priceCents: number;
  currency: string;
  limitPerUser: number | null;
  saleStartsAt: Date | null;
  saleEndsAt: Date | null;
  /** Whether the catalogue lists it. Clients that know its id can read and buy it either way. */
  listed: boolean;
}

/** What may be changed later. The currency may not: carts, prices and orders rely on it. */
export type ProductChange = Partial<Omit<Product, 'id' | 'currency'>>;

/** Units of one product. Always `held + sold <= total`. */
export interface Stock {
  product: Product;
  total: number;
  held: number;
  sold: number;
  /** Rises with each transaction that changes the row. */
  version: number;
  /** Rises with each change of the product itself. */
  revision: number;
}

export interface HeldLine {
  productId: string;
  quantity: number;
}

/** Each state's allowed next states. A commit, a release and an expiry race; whichever comes first decides. */
export const holdStates = {
  held: ['committed', 'released'],
  committed: [],
  released: [],
} as const satisfies Record<string, readonly string[]>;
export type HoldState = keyof typeof holdStates;

export interface Hold {
  reservationId: string;
  orderId: string;
  userId: string;
  state: HoldState;
  items: HeldLine[];
  expiresAt: Date;
}

/** How many units of a product one shopper may hold without having paid for them; unlimited when `units` is 0. */
export interface UnpaidBound {
  units: number;
  /** As a percentage of all units of the product, where that is more than `units`. */
  percent: number;
}
export const noUnpaidBound: UnpaidBound = { units: 0, percent: 0 };

export interface UnitsOfShopper {
  productId: string;
  userId: string;
  units: number;
}

export const availableOf = (stock: Stock): number => stock.total - stock.held - stock.sold;

/** The loaded rows, and which of them a decision has changed. */
export class InventoryState {
  readonly stock: Map<string, Stock>;
  readonly holds: Map<string, Hold>;
  /** Units held or bought by each shopper, for products with a limit only. */
  readonly #units: Map<string, number>;
  /** Units held and not paid for, loaded for shoppers who reserve. */
  readonly #unpaid: Map<string, number>;
  readonly newProducts: Stock[] = [];
  readonly newHolds: Hold[] = [];
  readonly changedStock = new Set<Stock>();
  readonly changedProducts = new Set<Product>();
  readonly changedHolds = new Set<Hold>();
  readonly changedUnits = new Map<string, UnitsOfShopper>();

  constructor(loaded: { stock: Stock[]; holds: Hold[]; units: UnitsOfShopper[]; unpaid?: UnitsOfShopper[] }) {
    this.stock = new Map(loaded.stock.map((row) => [row.product.id, row]));
    this.holds = new Map(loaded.holds.map((hold) => [hold.reservationId, hold]));
    this.#units = unitsByKey(loaded.units);
    this.#unpaid = unitsByKey(loaded.unpaid ?? []);
  }

  unitsOf(productId: string, userId: string): number {
    return this.#units.get(`${productId} ${userId}`) ?? 0;
  }

  unpaidOf(productId: string, userId: string): number {
    return this.#unpaid.get(`${productId} ${userId}`) ?? 0;
  }

  changeUnpaid(productId: string, userId: string, change: number): void {
    this.#unpaid.set(`${productId} ${userId}`, this.unpaidOf(productId, userId) + change);
  }

  addProduct(stock: Stock): void {
    this.stock.set(stock.product.id, stock);
    this.newProducts.push(stock);
  }

  addHold(hold: Hold): void {
    this.holds.set(hold.reservationId, hold);
    this.newHolds.push(hold);
  }

  /** Moves a hold on. @throws when the table of states does not allow it: a bug */
  moveHold(hold: Hold, next: HoldState): void {
    if (!(holdStates[hold.state] as readonly HoldState[]).includes(next)) {
      throw new Error(`a ${hold.state} hold cannot become ${next}`);
    }
    hold.state = next;
    if (!this.newHolds.includes(hold)) this.changedHolds.add(hold);
  }

  /** Changes the units of a product. @throws when that would break `held + sold <= total`: a bug */
  changeStock(stock: Stock, change: { total?: number; held?: number; sold?: number }): void {
    stock.total += change.total ?? 0;
    stock.held += change.held ?? 0;
    stock.sold += change.sold ?? 0;
    if (stock.held < 0 || stock.sold < 0 || availableOf(stock) < 0) {
      throw new Error(`stock of ${stock.product.id} would be ${JSON.stringify({ ...stock, product: undefined })}`);
    }
    this.changedStock.add(stock);
  }

  changeProduct(stock: Stock, change: ProductChange): void {
    Object.assign(stock.product, change);
    stock.revision += 1;
    this.changedProducts.add(stock.product);
    this.changedStock.add(stock);
  }

  changeUnits(product: Product, userId: string, change: number): void {
    if (product.limitPerUser === null) return;
    const units = this.unitsOf(product.id, userId) + change;
    this.#units.set(`${product.id} ${userId}`, units);
    this.changedUnits.set(`${product.id} ${userId}`, { productId: product.id, userId, units });
  }
}

const unitsByKey = (rows: UnitsOfShopper[]) =>
  new Map(rows.map(({ productId, userId, units }) => [`${productId} ${userId}`, units]));
