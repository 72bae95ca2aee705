import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { expectProblem, tally } from '../test-kit/stack/expectations.ts';
import { bodyOf, type Answer } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import {
  password,
  type Cart,
  type OrderPage,
  type Product,
  type ProductPage,
  type Session,
  type Shop,
  type Shopper,
} from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

const anHourMs = 3_600_000;
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();
const unknownId = () => randomUUID();

const options = {
  demo: { shoppers: 30 },
  // What the gateway does not answer is given up before it is asked again.
  // One shopper does here what takes many; the bounds have tests of their own.
  env: { GATEWAY_TIMEOUT_MS: '2500', OUTBOX_GRACE_MS: '4500', ...liftedBounds },
};

onEachStack('the shop', options, (theShop) => {
  let shop: Shop;
  let shopper: Shopper;
  let other: Shopper;
  beforeAll(async () => {
    shop = theShop();
    [shopper, other] = await Promise.all([shop.aShopper(), shop.aShopper()]);
  });

  const availableOf = async (product: Product) => (await shop.product(product.id)).available;
  /** The shop window follows the stock within moments. */
  const untilAvailable = (product: Product, units: number) =>
    until(`${units} units available`, async () => (await availableOf(product)) === units);

  test('a newcomer buys something', async () => {
    const email = `newcomer-${randomUUID()}@example.com`;
    const product = await shop.aProduct({ stock: 10, priceCents: 1_999 });

    const account = await shop.call<{ id: string; email: string }>('POST', '/api/users', {
      body: { email, password: 'a long password', name: 'New Comer' },
    });
    expect(bodyOf(account, 201).email).toBe(email);
    const session = bodyOf(await shop.logIn(email, 'a long password'), 201);
    const me = await shop.call('GET', '/api/users/me', { token: session.accessToken });
    expect(bodyOf(me, 200)).toEqual({ id: account.body.id, email, name: 'New Comer', role: 'shopper' });
    const newcomer = shop.shopperOf(session);

    const cart = await newcomer.aCart({ productId: product.id, quantity: 3 });
    expect(cart.items).toEqual([{ productId: product.id, quantity: 3 }]);
    const reserved = await newcomer.reserve(cart.id);
    const reservation = bodyOf(reserved, 201);
    expect(reservation).toMatchObject({ status: 'held', totalCents: 5_997, currency: 'EUR' });
    expect(reservation.items).toMatchObject([{ productId: product.id, quantity: 3, unitPriceCents: 1_999 }]);
    expect(Date.parse(reservation.expiresAt!)).toBeGreaterThan(Date.now());
    expect(reserved.headers.get('location')).toBe(`/api/reservations/${reservation.id}`);
    await untilAvailable(product, 7);

    const order = await newcomer.order(reservation.orderId, 0);
    expect(order).toMatchObject({ status: 'awaiting-payment', totalCents: 5_997, reservationId: reservation.id });
    const payment = bodyOf(await newcomer.pay(reservation.orderId), 201);
    expect(payment).toMatchObject({
      orderId: order.id,
      status: 'captured',
      amountCents: 5_997,
      currency: 'EUR',
    });

    expect((await newcomer.order(order.id)).status).toBe('confirmed');
    expect(await newcomer.payment(payment.id)).toEqual(payment);
    await until('completed', async () => (await newcomer.reservation(reservation.id)).status === 'completed');
    const orders = bodyOf(await newcomer.call<OrderPage>('GET', '/api/orders'), 200);
    expect(orders.items.map(({ id, status }) => ({ id, status }))).toEqual([{ id: order.id, status: 'confirmed' }]);
    await untilAvailable(product, 7);
  });

  describe('accounts', () => {
    test('an address is registered once, however it is written', async () => {
      const email = `someone-${randomUUID()}@example.com`;
      const register = (as: string) => shop.call('POST', '/api/users', { body: { email: as, password } });
      expect((await register(email)).status).toBe(201);
      expectProblem(await register(email.toUpperCase()), 409, 'email-taken');
    });

    test('of many who register an address at once, one gets it', async () => {
      const email = `crowd-${randomUUID()}@example.com`;
      const register = () => shop.call('POST', '/api/users', { body: { email, password } });
      expect(tally(await times(6, register))).toEqual({ 201: 1, '409 email-taken': 5 });
    });

    test('bad input is named field by field', async () => {
      const refused = await shop.call('POST', '/api/users', { body: { email: 'nobody', password: 'short' } });
      expectProblem(refused, 422, 'invalid-input');
      expect(refused.body.errors?.map(({ path }) => path).sort()).toEqual(['email', 'password']);
    });

    test('a wrong password and an unknown address are told apart by nobody', async () => {
      const wrong = await shop.logIn('shopper1@example.com', 'not the password');
      const unknown = await shop.logIn('nobody@example.com', 'not the password');
      expectProblem(wrong, 401, 'wrong-credentials');
      expect(unknown.text).toBe(wrong.text);
    });

    test('a refresh token is good once; its reuse ends the whole family', async () => {
      const refresh = ({ refreshToken }: Session) =>
        shop.call<Session>('POST', '/api/sessions/refresh', { body: { refreshToken } });
      const first = bodyOf(await shop.logIn('shopper30@example.com'), 201);
      const second = bodyOf(await refresh(first), 201);
      const third = bodyOf(await refresh(second), 201);
      expect((await shop.call('GET', '/api/users/me', { token: third.accessToken })).status).toBe(200);
      expectProblem(await refresh(first), 401, 'refresh-token-invalid');
      expectProblem(await refresh(third), 401, 'refresh-token-invalid');
    });

    test('nobody is somebody', async () => {
      expectProblem(await shop.call('GET', '/api/users/me'), 401, 'unauthenticated');
      expectProblem(await shop.call('GET', '/api/users/me', { token: 'abc' }), 401, 'unauthenticated');
    });
  });

  describe('the catalogue', () => {
    test('is read page by page, every product once', async () => {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const page = bodyOf(await shop.call<ProductPage>('GET', `/api/products?limit=7${query}`), 200);
        expect(page.items.length).toBeLessThanOrEqual(7);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      }
      expect(seen.length).toBeGreaterThanOrEqual(20);
      expect(new Set(seen).size).toBe(seen.length);
      expectProblem(await shop.call('GET', '/api/products?limit=1000'), 422, 'invalid-input');
    });

    test('says when a product has not changed', async () => {
      const product = await shop.aProduct({ stock: 5 });
      const read = (etag?: string) =>
        shop.call<Product>('GET', `/api/products/${product.id}`, { headers: etag ? { 'if-none-match': etag } : {} });
      const first = await read();
      expect(bodyOf(first, 200)).toEqual(product);
      const etag = first.headers.get('etag')!;
      const unchanged = await read(etag);
      expect([unchanged.status, unchanged.text]).toEqual([304, '']);

      expect(bodyOf(await shop.restock(product.id, 4), 200)).toEqual({ available: 9 });
      await untilAvailable(product, 9);
      const changed = await read(etag);
      expect(bodyOf(changed, 200).available).toBe(9);
      expect(changed.headers.get('etag')).not.toBe(etag);
    });

    test('does not know every id', async () => {
      expectProblem(await shop.call('GET', `/api/products/${unknownId()}`), 404, 'not-found');
      expectProblem(await shop.call('GET', '/api/products/17'), 404, 'not-found');
    });

    test('is changed by admins only', async () => {
      const product = await shop.aProduct({ stock: 1, limitPerUser: 2, saleEndsAt: fromNow(anHourMs) });
      expect(product).toMatchObject({ available: 1, limitPerUser: 2, saleStartsAt: null });
      const body = { name: 'Mine', priceCents: 1, currency: 'EUR', stock: 1 };
      const restock = `/api/products/${product.id}/restock`;
      expectProblem(await shop.call('POST', '/api/products', { body }), 401, 'unauthenticated');
      expectProblem(await shopper.call('POST', '/api/products', { body }), 403, 'forbidden');
      expectProblem(await shop.call('POST', restock, { body: { quantity: 1 } }), 401, 'unauthenticated');
      expectProblem(await shopper.call('POST', restock, { body: { quantity: 1 } }), 403, 'forbidden');
      expect(await availableOf(product)).toBe(1);
    });

    test('refuses what makes no sense', async () => {
      const product = await shop.aProduct();
      expectProblem(await shop.restock(product.id, 0), 422, 'invalid-input');
      expectProblem(await shop.restock(product.id, 1_000_000_000), 409, 'product-conflict');
      expectProblem(await shop.restock(unknownId(), 1), 404, 'not-found');
      const body = { name: ' ', priceCents: -1, currency: 'euro', stock: 1.5 };
      const refused = await shop.call('POST', '/api/products', { token: await shop.admin(), body });
      expectProblem(refused, 422, 'invalid-input');
      expect(refused.body.errors?.map(({ path }) => path).sort()).toEqual(['currency', 'name', 'priceCents', 'stock']);
    });
  });

  describe('carts', () => {
    let product: Product;
    beforeAll(async () => {
      product = await shop.aProduct();
    });

    test('hold one line a product', async () => {
      const second = await shop.aProduct();
      const { id } = await shopper.aCart(
        { productId: product.id, quantity: 1 },
        { productId: second.id, quantity: 5 },
        { productId: product.id, quantity: 2 },
      );
      const items = [
        { productId: product.id, quantity: 3 },
        { productId: second.id, quantity: 5 },
      ];
      expect(bodyOf(await shopper.call<Cart>('GET', `/api/carts/${id}`), 200)).toEqual({ id, items });
      const remove = () => shopper.call<Cart>('DELETE', `/api/carts/${id}/items/${product.id}`);
      expect(bodyOf(await remove(), 200).items).toEqual(items.slice(1));
      expect(bodyOf(await remove(), 200).items).toEqual(items.slice(1));
    });

    test('may be made without a body', async () => {
      const made = await shopper.call<Cart>('POST', '/api/carts');
      expect(bodyOf(made, 201).items).toEqual([]);
    });

    test('do not take what does not exist', async () => {
      const { id } = await shopper.aCart();
      expectProblem(await shopper.addItem(id, { productId: unknownId(), quantity: 1 }), 404, 'not-found');
      const line = { productId: product.id, quantity: 1 };
      expectProblem(await shopper.addItem(unknownId(), line), 404, 'not-found');
      expectProblem(await shopper.call('GET', `/api/carts/${unknownId()}`), 404, 'not-found');
      expectProblem(await shopper.addItem(id, { ...line, quantity: 0 }), 422, 'invalid-input');
      expectProblem(await shop.call('POST', `/api/carts/${id}/items`, { body: line }), 401, 'unauthenticated');
    });

    test('are closed once reserved, and open again when the reservation is cancelled', async () => {
      const line = { productId: product.id, quantity: 1 };
      const cart = await shopper.aCart(line);
      const reservation = bodyOf(await shopper.reserve(cart.id), 201);
      expectProblem(await shopper.addItem(cart.id, line), 409, 'cart-reserved');
      expectProblem(await shopper.call('DELETE', `/api/carts/${cart.id}/items/${product.id}`), 409, 'cart-reserved');
      expectProblem(await shopper.reserve(cart.id), 409, 'cart-reserved');
      bodyOf(await shopper.cancel(reservation.id), 200);
      expect(bodyOf(await shopper.addItem(cart.id, line), 200).items).toEqual([{ ...line, quantity: 2 }]);
      expect(bodyOf(await shopper.reserve(cart.id), 201).status).toBe('held');
    });
  });

  describe('reservations', () => {
    test('the last unit goes to exactly one of twenty who ask at once', async () => {
      const product = await shop.aProduct({ stock: 1 });
      const crowd = await Promise.all(Array.from({ length: 20 }, () => shop.aShopper()));
      const carts = await Promise.all(crowd.map((one) => one.aCart({ productId: product.id, quantity: 1 })));
      const answers = await Promise.all(crowd.map((one, n) => one.reserve(carts[n]!.id)));
      expect(tally(answers)).toEqual({ 201: 1, '409 sold-out': 19 });
      await untilAvailable(product, 0);
    });

    test('are refused when fewer units are left than asked for', async () => {
      const product = await shop.aProduct({ stock: 3 });
      // Twice two in one cart is one demand for four.
      const line = { productId: product.id, quantity: 2 };
      const cart = await shopper.aCart(line, line);
      expectProblem(await shopper.reserve(cart.id), 409, 'sold-out');
      expect(await availableOf(product)).toBe(3);
      // It is not lost: the shopper asks for less.
      bodyOf(await shopper.call('DELETE', `/api/carts/${cart.id}/items/${product.id}`), 200);
      bodyOf(await shopper.addItem(cart.id, { ...line, quantity: 3 }), 200);
      bodyOf(await shopper.reserve(cart.id), 201);
      await untilAvailable(product, 0);
    });

    test('hold all lines or none', async () => {
      const [plenty, scarce] = await Promise.all([shop.aProduct({ stock: 50 }), shop.aProduct({ stock: 1 })]);
      const cart = await shopper.aCart({ productId: plenty.id, quantity: 5 }, { productId: scarce.id, quantity: 2 });
      expectProblem(await shopper.reserve(cart.id), 409, 'sold-out');
      expect([await availableOf(plenty), await availableOf(scarce)]).toEqual([50, 1]);
    });

    test('respect the limit per shopper, over carts and at once', async () => {
      const product = await shop.aProduct({ limitPerUser: 2 });
      const greedy = await shopper.aCart({ productId: product.id, quantity: 3 });
      expectProblem(await shopper.reserve(greedy.id), 409, 'limit-exceeded');
      const carts = await times(4, () => shopper.aCart({ productId: product.id, quantity: 1 }));
      const answers = await Promise.all(carts.map(({ id }) => shopper.reserve(id)));
      expect(tally(answers)).toEqual({ 201: 2, '409 limit-exceeded': 2 });
      bodyOf(await other.reserve((await other.aCart({ productId: product.id, quantity: 2 })).id), 201);
      // What is given back may be taken again.
      const held = answers.find(({ status }) => status === 201)!;
      bodyOf(await shopper.cancel(held.body.id), 200);
      await shopper.aReservation(product);
    });

    test.each([
      ['has not begun', { saleStartsAt: fromNow(anHourMs) }],
      ['is over', { saleEndsAt: fromNow(-anHourMs) }],
    ])('are refused when the sale %s', async (_when, times) => {
      const product = await shop.aProduct(times);
      const cart = await shopper.aCart({ productId: product.id, quantity: 1 });
      expectProblem(await shopper.reserve(cart.id), 409, 'sale-closed');
      expect(await availableOf(product)).toBe(100);
    });

    test('do not mix currencies', async () => {
      const [euro, franc] = await Promise.all([shop.aProduct(), shop.aProduct({ currency: 'CHF' })]);
      const cart = await shopper.aCart({ productId: euro.id, quantity: 1 }, { productId: franc.id, quantity: 1 });
      expectProblem(await shopper.reserve(cart.id), 409, 'mixed-currencies');
    });

    test('need something in the cart, a cart, and a key', async () => {
      const empty = await shopper.aCart();
      expectProblem(await shopper.reserve(empty.id), 409, 'cart-empty');
      expectProblem(await shopper.reserve(unknownId()), 404, 'not-found');
      const body = { cartId: empty.id };
      expectProblem(await shopper.call('POST', '/api/reservations', { body }), 400, 'idempotency-key-required');
      const anonymous = await shop.call('POST', '/api/reservations', { body, key: randomUUID() });
      expectProblem(anonymous, 401, 'unauthenticated');
    });

    test('answer the same key the same way, and another request not at all', async () => {
      const product = await shop.aProduct();
      const line = { productId: product.id, quantity: 2 };
      const [cart, second] = [await shopper.aCart(line), await shopper.aCart(line)];
      const key = randomUUID();
      const first = bodyOf(await shopper.reserve(cart.id, { key }), 201);
      expect(bodyOf(await shopper.reserve(cart.id, { key }), 201)).toEqual(first);
      expectProblem(await shopper.reserve(second.id, { key }), 422, 'idempotency-key-reused');
      // A key is its shopper's own.
      const theirs = bodyOf(await other.reserve((await other.aCart(line)).id, { key }), 201);
      expect(theirs.id).not.toBe(first.id);
      await untilAvailable(product, 96);
    });

    test('made many times at once with one key are one reservation', async () => {
      const product = await shop.aProduct();
      const cart = await shopper.aCart({ productId: product.id, quantity: 2 });
      const key = randomUUID();
      const answers = await times(10, () => shopper.reserve(cart.id, { key }));
      expect(tally(answers)).toEqual({ 201: 10 });
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      await untilAvailable(product, 98);
    });

    test('made of one cart at once with different keys are one reservation', async () => {
      const product = await shop.aProduct();
      const cart = await shopper.aCart({ productId: product.id, quantity: 2 });
      const answers = await times(10, () => shopper.reserve(cart.id));
      expect(tally(answers)).toEqual({ 201: 1, '409 cart-reserved': 9 });
      await untilAvailable(product, 98);
    });

    test('give the units back when cancelled, and end the order', async () => {
      const product = await shop.aProduct({ stock: 2 });
      const reservation = await shopper.aReservation(product, 2);
      await untilAvailable(product, 0);
      expect(bodyOf(await shopper.cancel(reservation.id), 200).status).toBe('released');
      expect((await shopper.reservation(reservation.id)).status).toBe('released');
      expect((await shopper.order(reservation.orderId)).status).toBe('cancelled');
      expect(bodyOf(await shopper.cancel(reservation.id), 200).status).toBe('released');
      await untilAvailable(product, 2);
      await other.aPurchase(product, 2);
    });

    test('can be cancelled once at most, however often it is tried at once', async () => {
      const product = await shop.aProduct({ stock: 5 });
      const reservation = await shopper.aReservation(product, 3);
      expect(tally(await times(8, () => shopper.cancel(reservation.id)))).toEqual({ 200: 8 });
      await untilAvailable(product, 5);
    });

    test('cannot be cancelled when bought', async () => {
      const { reservation } = await shopper.aPurchase(await shop.aProduct());
      expect((await shopper.order(reservation.orderId)).status).toBe('confirmed');
      expectProblem(await shopper.cancel(reservation.id), 409, 'reservation-completed');
    });

    test('that are cancelled and paid at once end in one of the two', async () => {
      const product = await shop.aProduct({ stock: 100 });
      const reservations = await times(8, () => shopper.aReservation(product));
      await Promise.all(reservations.flatMap(({ id, orderId }) => [shopper.cancel(id), shopper.pay(orderId)]));
      const orders = await Promise.all(reservations.map(({ orderId }) => shopper.order(orderId)));
      const bought = orders.filter(({ status }) => status === 'confirmed');
      for (const { status } of orders) expect(['confirmed', 'cancelled', 'refunded']).toContain(status);
      await untilAvailable(product, 100 - bought.length);
    });
  });

  describe('payments', () => {
    let product: Product;
    beforeAll(async () => {
      product = await shop.aProduct({ stock: 10_000 });
    });
    const anOrder = async () => (await shopper.aReservation(product)).orderId;

    test('that are declined leave the order to another try', async () => {
      const orderId = await anOrder();
      const key = randomUUID();
      expectProblem(await shopper.pay(orderId, 'tok_declined', { key }), 402, 'payment-declined');
      expectProblem(await shopper.pay(orderId, 'tok_declined', { key }), 402, 'payment-declined');
      expectProblem(await shopper.pay(orderId, 'tok_unheard_of'), 402, 'payment-declined');
      await until('both counted', async () => (await shopper.order(orderId, 0)).declinedPayments === 2);
      expect((await shopper.order(orderId, 0)).status).toBe('awaiting-payment');
      expect(bodyOf(await shopper.pay(orderId), 201).status).toBe('captured');
      expect((await shopper.order(orderId)).status).toBe('confirmed');
    });

    test('survive an error of the gateway', async () => {
      const orderId = await anOrder();
      const payment = bodyOf(await shopper.pay(orderId, 'tok_error_once'), 201);
      expect((await shopper.payment(payment.id)).status).toBe('captured');
      expect((await shopper.order(orderId)).status).toBe('confirmed');
    });

    test('that the gateway never answered are pending, until it has been asked again', async () => {
      const orderId = await anOrder();
      const key = randomUUID();
      const accepted = await shopper.pay(orderId, 'tok_timeout', { key, wait: undefined });
      const pending = bodyOf(accepted, 202);
      expect(pending).toMatchObject({ orderId, status: 'pending' });
      expect(accepted.headers.get('location')).toBe(`/api/payments/${pending.id}`);
      expectProblem(await shopper.pay(orderId), 409, 'order-not-payable');
      expect((await shopper.payment(pending.id)).status).toBe('captured');
      expect((await shopper.order(orderId)).status).toBe('confirmed');
      expect(bodyOf(await shopper.pay(orderId, 'tok_timeout', { key }), 201).id).toBe(pending.id);
    });

    test('that take their time are waited for by whoever reads the order', async () => {
      const orderId = await anOrder();
      const paying = shopper.pay(orderId, 'tok_slow');
      expect((await shopper.order(orderId)).status).toBe('confirmed');
      expect(bodyOf(await paying, 201).status).toBe('captured');
    });

    test('need an order that can be paid', async () => {
      const paid = await shopper.aPurchase(product);
      expectProblem(await shopper.pay(paid.reservation.orderId), 409, 'already-paid');
      const cancelled = await shopper.aReservation(product);
      bodyOf(await shopper.cancel(cancelled.id), 200);
      expect((await shopper.order(cancelled.orderId)).status).toBe('cancelled');
      // Payments hear of the end a moment after the order; what is taken in between goes back by itself.
      const soon = await shopper.pay(cancelled.orderId);
      if (soon.status === 201) {
        await until('refunded', async () => (await shopper.payment(soon.body.id)).status === 'refunded');
      } else expectProblem(soon, 409, 'order-not-payable');
      expectProblem(await shopper.pay(cancelled.orderId), 409, 'order-not-payable');
      expectProblem(await shopper.pay(unknownId()), 404, 'not-found');
    });

    test('need a key and a token', async () => {
      const orderId = await anOrder();
      const body = { orderId, method: { token: 'tok_ok' } };
      expectProblem(await shopper.call('POST', '/api/payments', { body }), 400, 'idempotency-key-required');
      expectProblem(await shopper.pay(orderId, '4111111111111111'), 422, 'invalid-input');
      const anonymous = await shop.call('POST', '/api/payments', { body, key: randomUUID() });
      expectProblem(anonymous, 401, 'unauthenticated');
    });

    test('answer the same key the same way, and another request not at all', async () => {
      const [orderId, second] = [await anOrder(), await anOrder()];
      const key = randomUUID();
      const first = bodyOf(await shopper.pay(orderId, 'tok_ok', { key }), 201);
      expect(bodyOf(await shopper.pay(orderId, 'tok_ok', { key }), 201)).toEqual(first);
      expectProblem(await shopper.pay(orderId, 'tok_slow', { key }), 422, 'idempotency-key-reused');
      expectProblem(await shopper.pay(second, 'tok_ok', { key }), 422, 'idempotency-key-reused');
    });

    test('made many times at once with one key are one capture', async () => {
      const orderId = await anOrder();
      const key = randomUUID();
      const answers = await times(10, () => shopper.pay(orderId, 'tok_ok', { key }));
      expect(tally(answers)).toEqual({ 201: 10 });
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    });

    test('made many times at once with different keys are one capture', async () => {
      const orderId = await anOrder();
      const answers = await times(10, () => shopper.pay(orderId));
      const { 201: captured, '409 already-paid': late = 0, '409 order-not-payable': meanwhile = 0 } = tally(answers);
      expect({ captured, refused: late + meanwhile }).toEqual({ captured: 1, refused: 9 });
      expect((await shopper.order(orderId)).status).toBe('confirmed');
    });
  });

  test("somebody else's things are not there", async () => {
    const product = await shop.aProduct();
    const cart = await shopper.aCart({ productId: product.id, quantity: 1 });
    const { reservation, payment } = await shopper.aPurchase(product);
    const line = { productId: product.id, quantity: 1 };
    const refused: Answer<unknown>[] = await Promise.all([
      other.call('GET', `/api/carts/${cart.id}`),
      other.addItem(cart.id, line),
      other.call('DELETE', `/api/carts/${cart.id}/items/${product.id}`),
      other.reserve(cart.id),
      other.call('GET', `/api/reservations/${reservation.id}`),
      other.cancel(reservation.id),
      other.call('GET', `/api/orders/${reservation.orderId}`),
      other.pay(reservation.orderId),
      other.call('GET', `/api/payments/${payment.id}`),
    ]);
    for (const answer of refused) expectProblem(answer, 404, 'not-found');
    const theirs = bodyOf(await other.call<OrderPage>('GET', '/api/orders?limit=100'), 200).items;
    expect(theirs.map(({ id }) => id)).not.toContain(reservation.orderId);
    expect((await shopper.order(reservation.orderId)).status).toBe('confirmed');
  });

  test('orders are listed page by page, the newest first', async () => {
    const buyer = await shop.aShopper();
    const product = await shop.aProduct();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { orderId } = await buyer.aReservation(product);
      // A list shows what has arrived; asking for the order itself waits for it.
      ids.unshift((await buyer.order(orderId, 0)).id);
    }
    const page = async (query: string) =>
      bodyOf(await buyer.call<OrderPage>('GET', `/api/orders?limit=3${query}`), 200);
    const first = await page('');
    const second = await page(`&cursor=${first.nextCursor}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
  });

  test.each(['/healthz', '/readyz'])('%s tells the state of each service', async (path) => {
    type Health = { status: string; services: Record<string, { status: string }> };
    const answer = await eventually(async () => {
      const current = await shop.call<Health>('GET', path);
      expect(bodyOf(current, 200).status).toBe('ok');
      return current;
    });
    expect(Object.keys(answer.body.services).sort()).toEqual(['inventory', 'order', 'payment', 'reservation', 'user']);
  });

  test('the books balance', () => expectAuditClean(shop.stack));
});

function times<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, work));
}
