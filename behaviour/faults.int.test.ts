import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '@flash-sale/shared/ids.ts';
import { shop, user } from '../test-kit/in-process/audited-shop.ts';
import { audit } from '../test-kit/in-process/audit.ts';
import { ConnectionLost, type Answer } from '../test-kit/http.ts';
import { outcomeOf } from '../test-kit/in-process/shopping.ts';
import { shopServices } from '../test-kit/in-process/shop.ts';

/*
 * What breaks meanwhile must not show afterwards: each shopper repeats a request with its key until there is an answer, as
 * a client should, and in the end everything is there exactly once.
 */

/** Sends until there is an answer that is not "later", and that is settled. Anything else fails the test. */
async function persist<Body>(
  send: () => Promise<Answer<Body>>,
  isSettled: (body: Body) => boolean = () => true,
): Promise<Answer<Body>> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await send().catch((error: Error) => {
      // The service is away, in the middle of an answer perhaps.
      if (error instanceof ConnectionLost || error.message.endsWith('is not running')) return undefined;
      throw error;
    });
    if (answer && answer.status !== 503) {
      expect(answer.status).toBeLessThan(500);
      if (answer.status >= 400 || isSettled(answer.body)) return answer;
    }
    await sleep(50);
  }
  throw new Error('nothing settled in 200 tries');
}

/** Buys one unit whatever happens. @returns how it ended */
async function buy(product: string): Promise<string> {
  const shopper = shop.aShopper();
  const { id: cartId } = (await persist(() => shop.call<{ id: string }>('POST', '/api/carts', shopper))).body;
  // Adding is not idempotent, so it is looked at before it is tried again.
  await persist(async () => {
    const cart = await user.readCart(shopper, cartId);
    return cart.status === 200 && cart.body.items.length === 0 ? user.addToCart(shopper, cartId, product) : cart;
  });
  const [reserveKey, payKey] = [newId(), newId()];
  const reserved = await persist(() => user.reserve(shopper, cartId, { key: reserveKey }));
  if (reserved.status === 409) return outcomeOf(reserved)[1];
  const { id, orderId } = reserved.body;
  const isDecided = ({ status }: { status: string }) => status !== 'pending';
  const held = await persist(() => user.readReservation(shopper, id, 20), isDecided);
  if (held.body.status === 'rejected') return held.body.reason!;
  const paid = await persist(() => user.pay(shopper, orderId, { key: payKey }));
  if (paid.status === 402) return 'declined';
  const payment = await persist(() => user.readPayment(shopper, paid.body.id, 20), isDecided);
  const order = await persist(
    () => user.readOrder(shopper, orderId, 20),
    ({ status }) => !['awaiting-payment', 'paid'].includes(status),
  );
  return `${payment.body.status} ${order.body.status}`;
}

/** A crowd twice the size of the stock, and trouble meanwhile. */
async function expectExactSale(trouble: () => Promise<void>): Promise<void> {
  const stock = 30;
  const product = await user.aProduct({ stock });
  const buyers = Array.from({ length: 2 * stock }, async (_, index) => {
    await sleep(index * 20);
    return buy(product);
  });
  const [ends] = await Promise.all([Promise.all(buyers), sleep(100).then(trouble)]);
  expect(ends.toSorted()).toEqual([
    ...Array<string>(stock).fill('captured confirmed'),
    ...Array<string>(stock).fill('sold-out'),
  ]);
  await audit(shop);
  await user.untilAvailable(product, 0);
}

const repeatedly = async (times: number, act: () => Promise<unknown>) => {
  for (let time = 0; time < times; time += 1) await act();
};

describe('a sale stays exact', () => {
  test.each(shopServices)('while PostgreSQL ends every connection of %s again and again', async (service) => {
    let killed = 0;
    await expectExactSale(() =>
      repeatedly(10, async () => {
        killed += await shop.killConnections(service);
        await sleep(100 + Math.random() * 50);
      }),
    );
    // Or nothing was tested.
    expect(killed).toBeGreaterThan(3);
  });

  test('while PostgreSQL ends connections of all of them', async () => {
    await expectExactSale(() =>
      repeatedly(6, async () => {
        await Promise.all(shopServices.map((service) => shop.killConnections(service)));
        await sleep(200);
      }),
    );
  });

  test.each(shopServices)('while %s stops and comes back', async (service) => {
    await expectExactSale(() =>
      repeatedly(2, async () => {
        await shop.without(service, () => sleep(200));
        await sleep(200);
      }),
    );
  });

  test('while Redis is lost with all its data', async () => {
    await expectExactSale(() =>
      repeatedly(3, async () => {
        await shop.redis.stop();
        await sleep(200);
        await shop.redis.start();
        await sleep(200);
      }),
    );
  });
});
