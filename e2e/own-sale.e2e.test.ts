import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { startStack } from '../infra/launcher/stack.ts';
import type { Stack } from '../infra/launcher/stack-types.ts';
import { temporaryFolder } from '../infra/testing/temporary-folder.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { bodyOf } from '../test-kit/http.ts';
import { Shop, type Order, type ProductPage } from '../test-kit/stack/shop.ts';

/* What docs/your-own-sale.md describes, on the data of a demo. */

const startWithinMs = 180_000;
const owner = { email: 'owner@shop.example', password: 'chosen by the owner' };

let dataDir: string;
let stack: Stack | undefined;
beforeAll(async () => {
  dataDir = await temporaryFolder('own-sale');
});
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
}, 60_000);
afterAll(() => rm(dataDir, { recursive: true, force: true }));

async function open(demo: { shoppers: number } | false, env: Record<string, string> = {}): Promise<Shop> {
  stack = await startStack({ stack: 'sync', dataDir, instances: 1, demo, env });
  return new Shop(stack);
}
const listed = async (shop: Shop) =>
  bodyOf(await shop.call<ProductPage>('GET', '/api/products?limit=100'), 200).items.map(({ id }) => id);

let demoProduct: string;
let bought: Order;

test(
  'begins with a demo',
  async () => {
    const shop = await open({ shoppers: 2 });
    const products = await listed(shop);
    expect(products).toHaveLength(20);
    demoProduct = products[1]!;
    const shopper = await shop.aShopper();
    const { reservation } = await shopper.aPurchase(await shop.product(demoProduct));
    bought = await shopper.order(reservation.orderId);
    expect(bought.status).toBe('confirmed');
  },
  startWithinMs,
);

test(
  'nobody comes in by the password that everybody knows, and the window has nothing but one’s own',
  async () => {
    const shop = await open(false, { ADMIN_EMAIL: owner.email, ADMIN_PASSWORD: owner.password });
    for (const email of ['admin@example.com', 'shopper1@example.com'])
      expect([email, (await shop.logIn(email)).status]).toEqual([email, 401]);
    expect(await listed(shop)).toEqual([]);
    expect((await shop.product(demoProduct)).listed).toBe(false);

    const { accessToken: token } = bodyOf(await shop.logIn(owner.email, owner.password), 201);
    const body = { name: 'Lamp', priceCents: 4_900, currency: 'EUR', stock: 500 };
    const { id } = bodyOf(await shop.call<{ id: string }>('POST', '/api/products', { token, body }), 201);
    expect(await listed(shop)).toEqual([id]);
    await expectAuditClean(shop.stack);
  },
  startWithinMs,
);

test(
  'the demo can be had again, orders and all',
  async () => {
    const shop = await open({ shoppers: 2 });
    expect(await listed(shop)).toHaveLength(21);
    const shopper = await shop.shopper(1);
    expect(await shopper.order(bought.id)).toEqual(bought);
    expect(await shop.admin()).toEqual(expect.any(String));
  },
  startWithinMs,
);
