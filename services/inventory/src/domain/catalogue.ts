import { availableOf, type InventoryState, type Product } from './state.ts';

const mostUnits = 1_000_000_000;

export function createProduct(product: Product, units: number, state: InventoryState): void {
  state.addProduct({ product, total: units, held: 0, sold: 0, version: 1 });
}

export type Restocked = { available: number } | { refusal: 'product-not-found' | 'too-many-units' };

/** Adds units to a product, up to a thousand million in all. */
export function restock(productId: string, units: number, state: InventoryState): Restocked {
  const stock = state.stock.get(productId);
  if (!stock) return { refusal: 'product-not-found' };
  if (stock.total + units > mostUnits) return { refusal: 'too-many-units' };
  state.changeStock(stock, { total: units });
  return { available: availableOf(stock) };
}
