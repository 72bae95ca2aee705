import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { audit } from './audit.ts';
import { startShop, type Shop } from './shop.ts';
import { shopping } from './shopping.ts';

/* To be imported by a file whose tests share a shop: it is started before them, audited after each, and closed in the end. */

export let shop: Shop;
/** What its shoppers do. */
export let user: ReturnType<typeof shopping>;

beforeAll(async () => {
  shop = await startShop();
  user = shopping(shop);
});
afterEach(() => audit(shop));
afterAll(() => shop?.close());
