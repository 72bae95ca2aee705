import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Neighbours } from '@flash-sale/shared/messaging/in-process-transport.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { audit } from '../test-kit/in-process/audit.ts';
import { outcomeOf, shopping } from '../test-kit/in-process/shopping.ts';
import { startShop, type Shop } from '../test-kit/in-process/shop.ts';

/* The services of one process, whose events do not leave it. */

let shop: Shop;
let user: ReturnType<typeof shopping>;

beforeAll(async () => {
  shop = await startShop({ transport: transportFor('monolith', new Neighbours()) });
  user = shopping(shop);
});
afterEach(() => audit(shop));
afterAll(() => shop?.close());

test('a request is answered when its whole chain of events has been walked', async () => {
  const { shopper, reservation } = await user.aHold(await user.aProduct());
  expect(outcomeOf(await user.pay(shopper, reservation.orderId))).toEqual([201, 'ok']);
});

test('many who buy at once get exactly what there is', async () => {
  const product = await user.aProduct({ stock: 20 });
  const carts = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const shopper = shop.aShopper();
      return { shopper, cartId: await user.aCart(shopper, [product, 1]) };
    }),
  );
  const answers = await Promise.all(carts.map(({ shopper, cartId }) => user.reserve(shopper, cartId)));
  const held = answers.filter(({ status }) => status === 201);
  expect([held.length, answers.filter(({ status }) => status === 409).length]).toEqual([20, 40]);
});

test('while a service is away its events wait for it', async () => {
  const { shopper, reservation } = await user.aHold(await user.aProduct());
  await shop.without('order', async () => {
    expect((await user.pay(shopper, reservation.orderId)).status).toBeLessThan(300);
  });
  await eventually(async () => {
    expect((await user.readOrder(shopper, reservation.orderId)).body.status).toBe('confirmed');
  });
});
