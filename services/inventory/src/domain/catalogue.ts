import { refuse, type Refused, type Result } from '@flash-sale/shared/messaging/decision.ts';
import { availableOf, type InventoryState, type Product, type ProductChange, type Stock } from './state.ts';

const maxUnits = 1_000_000_000;

export type Created = Result | Refused<'ends-before-it-starts'>;

export function createProduct({ product, units }: { product: Product; units: number }, state: InventoryState): Created {
  if (endsBeforeItStarts(product)) return refuse('ends-before-it-starts');
  state.addProduct({ product, total: units, held: 0, sold: 0, version: 1, revision: 1 });
  return { events: [] };
}

const endsBeforeItStarts = ({ saleStartsAt, saleEndsAt }: Pick<Product, 'saleStartsAt' | 'saleEndsAt'>): boolean =>
  saleStartsAt !== null && saleEndsAt !== null && saleStartsAt >= saleEndsAt;

export type Restocked = (Result & { available: number }) | Refused<'product-not-found' | 'too-many-units'>;

/** Adds units to a product, up to 1,000,000,000 in all. */
export function restock({ productId, units }: { productId: string; units: number }, state: InventoryState): Restocked {
  const stock = state.stock.get(productId);
  if (!stock) return refuse('product-not-found');
  if (stock.total + units > maxUnits) return refuse('too-many-units');
  state.changeStock(stock, { total: units });
  return { available: availableOf(stock), events: [] };
}

export type ProductChanged =
  (Result & { stock: Stock }) | Refused<'product-not-found' | 'ends-before-it-starts' | 'limit-in-use'>;

/**
 * Changes a product for all later requests; existing holds keep the price they were made at. The limit per shopper may be
 * raised at any time. To set, lower or remove it would contradict what shoppers already have, so that is refused once any
 * unit is held or sold.
 */
export function changeProduct(
  { productId, change }: { productId: string; change: ProductChange },
  state: InventoryState,
): ProductChanged {
  const stock = state.stock.get(productId);
  if (!stock) return refuse('product-not-found');
  const changed = { ...stock.product, ...change };
  if (endsBeforeItStarts(changed)) return refuse('ends-before-it-starts');
  const { limitPerUser } = changed;
  const limitBefore = stock.product.limitPerUser;
  const rises = limitBefore !== null && limitPerUser !== null && limitPerUser >= limitBefore;
  if (limitPerUser !== limitBefore && !rises && stock.held + stock.sold > 0) return refuse('limit-in-use');
  state.changeProduct(stock, change);
  return { stock, events: [] };
}
