import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import { Sale } from './sale.ts';
import type { Product, Shop, Shopper } from './shop.ts';

export interface Scene {
  shop: Shop;
  stack: Stack;
  /** The sale that goes on; a wrong answer to its shoppers fails the current test. */
  sale: Sale;
  /** A shopper who takes no part in the sale, and a product that nobody else buys. */
  shopper: Shopper;
  product: Product;
}

export interface SaleOptions {
  /** The first so many demo shoppers; the one after them is the scene's own. */
  sellers: number;
  /** Units of each product that they buy. */
  stocks: number[];
  /** Of a sale that only has to go on: longer than usual, which leaves the machine to the rest. */
  pauseMs?: number;
}

/** Opens a sale that goes on during all tests of a block; `theScene` may be called from within tests and hooks. */
export function duringASale(theShop: () => Shop, { sellers, stocks, pauseMs }: SaleOptions): () => Scene {
  let scene: Scene | undefined;
  let sale: Sale | undefined;
  beforeAll(async () => {
    const shop = theShop();
    const shopper = await shop.shopper(sellers + 1);
    const product = await shop.aProduct({ stock: 100_000 });
    const products = await Promise.all(stocks.map((stock) => shop.aProduct({ stock })));
    sale = new Sale(shop, products, pauseMs === undefined ? {} : { pauseMs });
    sale.open(sellers);
    await sale.goesOn();
    scene = { shop, stack: shop.stack, sale, shopper, product };
  });
  afterEach(() => expect(sale?.surprises.splice(0)).toEqual([]));
  afterAll(() => sale?.close());
  return () => {
    if (!scene) throw new Error('the sale did not open');
    return scene;
  };
}
