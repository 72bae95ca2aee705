import { describe, expect, test } from '@jest/globals';
import { orderPage } from '@flash-sale/contract/api/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { shop, user } from '../../../test-kit/in-process/audited-shop.ts';
import { outcomeOf } from '../../../test-kit/in-process/shopping.ts';
import type { Shopper } from '../../../test-kit/in-process/shop.ts';

const list = async ({ token }: Shopper, query = '') => {
  const answer = await shop.call('GET', `/api/orders${query}`, { token });
  expect(answer.status).toBe(200);
  return orderPage.parse(answer.body);
};

/** Reserves one after the other. @returns the order ids, the oldest first */
async function makeOrders(shopper: Shopper, count: number): Promise<string[]> {
  const product = await user.aProduct({ stock: count });
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const { body } = await user.reserve(shopper, await user.aCart(shopper, [product, 1]));
    ids.push(body.orderId);
    await user.arrivedOrder(shopper, body.orderId);
  }
  return ids;
}

describe('the list of orders', () => {
  test('has the newest first, page by page, each order once', async () => {
    const shopper = shop.aShopper();
    const newestFirst = (await makeOrders(shopper, 7)).toReversed();
    const pages: string[][] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(shopper, `?limit=3${cursor && `&cursor=${cursor}`}`);
      pages.push(page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(pages).toEqual([newestFirst.slice(0, 3), newestFirst.slice(3, 6), newestFirst.slice(6)]);
    expect((await list(shopper)).items.map(({ id }) => id)).toEqual(newestFirst);
  });

  test('has an order that its shopper has been told of, though this service has not heard of it yet', async () => {
    const shopper = shop.aShopper();
    const product = await user.aProduct();
    await shop.stop('order');
    const { body } = await user.reserve(shopper, await user.aCart(shopper, [product, 1]));
    expect(body.status).toBe('held');
    await shop.start('order', { ARRIVAL_TIMEOUT_MS: '60000' });
    try {
      expect((await list(shopper)).items.map(({ id }) => id)).toEqual([body.orderId]);
    } finally {
      await shop.stop('order');
      await shop.start('order');
    }
  });

  test('is told without what may be on its way while the reservation service is away', async () => {
    const shopper = shop.aShopper();
    const [id] = await makeOrders(shopper, 1);
    await shop.without('reservation', async () => {
      expect((await list(shopper)).items.map((order) => order.id)).toEqual([id]);
    });
  });

  test('ends exactly at a full page', async () => {
    const shopper = shop.aShopper();
    await makeOrders(shopper, 2);
    const page = await list(shopper, '?limit=2');
    expect([page.items.length, page.nextCursor]).toEqual([2, null]);
  });

  test('does not shift under a reader when an order is added', async () => {
    const shopper = shop.aShopper();
    const ids = await makeOrders(shopper, 4);
    const first = await list(shopper, '?limit=2');
    await makeOrders(shopper, 1);
    const second = await list(shopper, `?limit=2&cursor=${first.nextCursor}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids.toReversed());
  });

  test('is empty for who has none, whatever others have', async () => {
    await makeOrders(shop.aShopper(), 1);
    expect(await list(shop.aShopper())).toEqual({ items: [], nextCursor: null });
  });

  test("takes somebody else's order as a cursor without showing anything of it", async () => {
    const [shopper, other] = [shop.aShopper(), shop.aShopper()];
    await makeOrders(shopper, 1);
    const [foreign] = await makeOrders(other, 1);
    const { items } = await list(shopper, `?cursor=${foreign}`);
    expect(items).toHaveLength(1);
    expect(items[0]!.id).not.toBe(foreign);
  });

  test.each(['limit=0', 'limit=101', 'limit=many', 'limit=1.5', 'cursor=1', 'offset=3', 'limit=1&limit=2'])(
    'refuses ?%s',
    async (query) => {
      const { token } = shop.aShopper();
      expect(outcomeOf(await shop.call('GET', `/api/orders?${query}`, { token }))).toEqual([422, 'invalid-input']);
    },
  );

  test('needs a token', async () => {
    expect(outcomeOf(await shop.call('GET', '/api/orders'))).toEqual([401, 'unauthenticated']);
    expect(outcomeOf(await shop.call('GET', `/api/orders/${newId()}`))).toEqual([401, 'unauthenticated']);
  });
});

describe('an order', () => {
  test('of somebody else is not there, and neither is one that nobody made: at once, not after a wait', async () => {
    const [id] = await makeOrders(shop.aShopper(), 1);
    const stranger = shop.aShopper();
    const startedAt = performance.now();
    for (const wanted of [id!, newId(), 'not-an-id', '%00', "' OR 1=1"]) {
      const answer = await shop.call('GET', `/api/orders/${wanted}`, {
        token: stranger.token,
        headers: { prefer: 'wait=10' },
      });
      expect(outcomeOf(answer)).toEqual([404, 'not-found']);
    }
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('that was announced but is not here yet is waited for', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 1]);
    const { reading, orderId } = await shop.without('inventory', async () => {
      const { body } = await user.reserve(shopper, cartId, { wait: 0 });
      // Nobody knows this order but its shopper; that shows as "later", never as "no".
      expect(outcomeOf(await user.readOrder(shopper, body.orderId))).toEqual([503, 'unavailable']);
      return { orderId: body.orderId, reading: [user.readOrder(shopper, body.orderId, 25)] };
    });
    // With a preference the answer is the order as it stands when the time is up, or settled before.
    await user.pay(shopper, orderId);
    expect((await reading[0]!).body).toMatchObject({ id: orderId, status: 'confirmed' });
  });

  test('whose reservation was refused is not there, and nobody is kept waiting to learn it', async () => {
    const product = await user.aProduct({ limitPerUser: 1 });
    const shopper = shop.aShopper();
    await user.reserve(shopper, await user.aCart(shopper, [product, 1]));
    const cartId = await user.aCart(shopper, [product, 1]);
    const { reservation, reading, paying } = await shop.without('inventory', async () => {
      const { body: reservation } = await user.reserve(shopper, cartId, { wait: 0 });
      const reading = [user.readOrder(shopper, reservation.orderId, 20)];
      const paying = [user.pay(shopper, reservation.orderId, { wait: 20 })];
      return { reservation, reading, paying };
    });
    const startedAt = performance.now();
    expect(outcomeOf(await reading[0]!)).toEqual([404, 'not-found']);
    expect(outcomeOf(await paying[0]!)).toEqual([409, 'order-not-payable']);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect((await user.readReservation(shopper, reservation.id)).body).toMatchObject({
      status: 'rejected',
      reason: 'limit-exceeded',
    });
    expect((await list(shopper)).items.map(({ id }) => id)).not.toContain(reservation.orderId);
  });

  test('that ends while it is waited for is answered with its end at once', async () => {
    const { shopper, reservation } = await user.aHold(await user.aProduct());
    await user.readOrder(shopper, reservation.orderId);
    const startedAt = performance.now();
    const reading = user.readOrder(shopper, reservation.orderId, 20);
    await user.cancel(shopper, reservation.id);
    expect((await reading).body.status).toBe('cancelled');
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  test('that goes on waiting is answered as it stands when the time is up', async () => {
    const { shopper, reservation } = await user.aHold(await user.aProduct());
    const startedAt = performance.now();
    expect((await user.readOrder(shopper, reservation.orderId, 1)).body.status).toBe('awaiting-payment');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
  });
});
