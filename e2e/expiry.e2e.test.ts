import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { expectProblem } from '../test-kit/stack/expectations.ts';
import { bodyOf } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import type { Product, Shop, Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

const options = {
  demo: { shoppers: 30 },
  env: {
    // A hold is over well before tok_slow has its answer (after 2 s), and that is heard (within 3 s); what the gateway
    // does not answer it is asked again only then.
    HOLD_TTL_MS: '1500',
    EXPIRY_SWEEP_MS: '100',
    GATEWAY_TIMEOUT_MS: '3000',
    OUTBOX_GRACE_MS: '4500',
  },
};

const ends = (theShop: () => Shop) => {
  let shop: Shop;
  let shopper: Shopper;
  let other: Shopper;
  beforeAll(async () => {
    shop = theShop();
    [shopper, other] = await Promise.all([shop.aShopper(), shop.aShopper()]);
  });

  /** The reservation hears of its end by an event of its own, and not before the order does. */
  const untilReleased = (id: string) =>
    until('released', async () => (await shopper.reservation(id)).status === 'released');
  const untilAvailable = (product: Product, units: number) =>
    until(`${units} units available`, async () => (await shop.product(product.id)).available === units);

  test('ends: its units go to others, its order is cancelled and can no longer be paid', async () => {
    const product = await shop.aProduct({ stock: 2, limitPerUser: 2 });
    const reservation = await shopper.aReservation(product, 2);
    expect(await shopper.order(reservation.orderId)).toMatchObject({ status: 'cancelled' });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(reservation.expiresAt!));
    await untilReleased(reservation.id);
    expect(await shopper.reservation(reservation.id)).toMatchObject({ reason: 'expired' });
    expectProblem(await shopper.pay(reservation.orderId), 409, 'order-not-payable');
    expect(bodyOf(await shopper.cancel(reservation.id), 200).status).toBe('released');
    await untilAvailable(product, 2);

    await other.aReservation(product, 2);
    await untilAvailable(product, 2);
    // Expired units do not count against the shopper's limit.
    await shopper.aReservation(product, 2);
  });

  test('can be had again from the same cart', async () => {
    const product = await shop.aProduct({ stock: 1 });
    const cart = await shopper.aCart({ productId: product.id, quantity: 1 });
    const key = randomUUID();
    const first = bodyOf(await shopper.reserve(cart.id, { key }), 201);
    expect((await shopper.order(first.orderId)).status).toBe('cancelled');
    await untilReleased(first.id);
    await untilAvailable(product, 1);
    // The same key is the same request, whose outcome has passed; a new one is a new request.
    expect(bodyOf(await shopper.reserve(cart.id, { key }), 201)).toMatchObject({ id: first.id, status: 'released' });
    const second = bodyOf(await shopper.reserve(cart.id), 201);
    expect(second.id).not.toBe(first.id);
  });

  test('refunds a payment that came too late', async () => {
    const product = await shop.aProduct({ stock: 1 });
    const reservation = await shopper.aReservation(product);
    const paid = bodyOf(await shopper.pay(reservation.orderId, 'tok_slow'), 201);
    await until('refunded', async () => (await shopper.payment(paid.id)).status === 'refunded');
    await until('told so', async () => (await shopper.order(reservation.orderId, 0)).status === 'refunded');
    await untilReleased(reservation.id);
    await untilAvailable(product, 1);
  });

  test('refunds a payment whose outcome was learnt too late', async () => {
    const product = await shop.aProduct({ stock: 1 });
    const reservation = await shopper.aReservation(product);
    const pending = bodyOf(await shopper.pay(reservation.orderId, 'tok_timeout', { wait: undefined }), 202);
    expect(pending.status).toBe('pending');
    await until('refunded', async () => (await shopper.payment(pending.id)).status === 'refunded');
    await until('told so', async () => (await shopper.order(reservation.orderId, 0)).status === 'refunded');
    await untilAvailable(product, 1);
  });

  test('that is paid just in time is bought, and that is not is not', async () => {
    const product = await shop.aProduct({ stock: 1_000 });
    const buyers = await Promise.all(Array.from({ length: 20 }, (_, n) => shop.shopper(n + 1)));
    const orders = await Promise.all(
      buyers.map(async (buyer, n) => {
        const { orderId, expiresAt } = await buyer.aReservation(product);
        // Payments arrive from well before to well after the deadline.
        const due = Date.parse(expiresAt!) + (n - 10) * 40;
        await until('the moment to pay', () => Date.now() >= due);
        const payment = await buyer.pay(orderId);
        const status = async () => (await buyer.order(orderId)).status;
        // A cancelled order becomes a refunded one when a payment of it turns up.
        if (payment.status === 201) await until('no longer cancelled', async () => (await status()) !== 'cancelled');
        return { answer: payment.status, status: await status() };
      }),
    );
    for (const { answer, status } of orders) {
      expect(['201 confirmed', '201 refunded', '409 cancelled']).toContain(`${answer} ${status}`);
    }
    const bought = orders.filter(({ status }) => status === 'confirmed').length;
    await untilAvailable(product, 1_000 - bought);
  });

  test('leaves the books balanced', () => expectAuditClean(shop.stack));
};

// What happens at a moment is decided within one service; another stack only carries the news of it, which transport.suite.ts tests.
onEachStack('a hold that nobody pays in time', options, ends, ['sync', 'async']);
