import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { audit } from '../../../test-kit/in-process/audit.ts';
import { startShop, type Shop, type Shopper } from '../../../test-kit/in-process/shop.ts';
import { outcomeOf, shopping, type OrderBody } from '../../../test-kit/in-process/shopping.ts';

let shop: Shop;
let user: ReturnType<typeof shopping>;

beforeAll(async () => {
  shop = await startShop({ settings: { GATEWAY_TIMEOUT_MS: '3500' } });
  user = shopping(shop);
});
afterEach(() => audit(shop));
afterAll(() => shop?.close());

/** A shopper with an order that awaits its payment, known to all. */
async function anOrder(productId?: string): Promise<{ shopper: Shopper; order: OrderBody }> {
  const { shopper, reservation } = await user.aHold(productId ?? (await user.aProduct()));
  await eventually(async () => {
    const payables = await shop.query('payment', `SELECT FROM payables WHERE order_id = $1 AND status = 'open'`, [
      reservation.orderId,
    ]);
    expect(payables).toHaveLength(1);
  });
  return { shopper, order: (await user.readOrder(shopper, reservation.orderId)).body };
}
interface Entry {
  payment_id: string;
  outcome: string;
  attempts: number;
  amount_cents: number;
  refunded_at: Date | null;
}
const ledgerOf = (orderId: string) =>
  shop.query<Entry>('gateway', 'SELECT * FROM ledger WHERE order_id = $1', [orderId]);
const paymentsOf = (orderId: string) =>
  shop.query<{ id: string; status: string }>('payment', 'SELECT * FROM payments WHERE order_id = $1', [orderId]);

describe('a payment', () => {
  test('is captured and answered at once, without any preference', async () => {
    const { shopper, order } = await anOrder();
    const paid = await user.pay(shopper, order.id, { wait: 0 });
    expect(outcomeOf(paid)).toEqual([201, 'ok']);
    expect(paid.body).toMatchObject({ orderId: order.id, status: 'captured', amountCents: 4_900, currency: 'EUR' });
    expect(await ledgerOf(order.id)).toMatchObject([
      { payment_id: paid.body.id, outcome: 'captured', amount_cents: 4_900, refunded_at: null },
    ]);
    await user.readOrder(shopper, order.id, 20);
  });

  test('by tok_error_once is captured: the gateway is asked again and charges once', async () => {
    const { shopper, order } = await anOrder();
    const paid = await user.pay(shopper, order.id, { method: 'tok_error_once' });
    expect([outcomeOf(paid), paid.body.status]).toEqual([[201, 'ok'], 'captured']);
    expect(await ledgerOf(order.id)).toMatchObject([{ outcome: 'captured', attempts: 2 }]);
    await user.readOrder(shopper, order.id, 20);
  });

  test('by tok_slow takes two seconds, which a client may wait or not', async () => {
    const { shopper, order } = await anOrder();
    const startedAt = performance.now();
    const impatient = await user.pay(shopper, order.id, { method: 'tok_slow', wait: 1 });
    expect([outcomeOf(impatient), impatient.body.status]).toEqual([[202, 'ok'], 'pending']);
    expect(impatient.headers.get('location')).toBe(`/api/payments/${impatient.body.id}`);
    // The amount is fixed while it waits, and nothing else may be paid.
    expect(impatient.body).toMatchObject({ amountCents: 4_900, currency: 'EUR' });
    expect(outcomeOf(await user.pay(shopper, order.id))).toEqual([409, 'order-not-payable']);
    const settled = await user.readPayment(shopper, impatient.body.id, 20);
    expect(settled.body.status).toBe('captured');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_990);
    expect((await user.readOrder(shopper, order.id, 20)).body.status).toBe('confirmed');
  });

  test.each([
    ['tok_declined', 'card-declined'],
    ['tok_never_heard_of', 'unknown-token'],
  ])('by %s is declined, and nothing is charged', async (method, reason) => {
    const { shopper, order } = await anOrder();
    const answer = await user.pay(shopper, order.id, { method });
    expect(outcomeOf(answer)).toEqual([402, 'payment-declined']);
    expect((answer.body as unknown as { detail: string }).detail).toContain(reason);
    const [entry] = await ledgerOf(order.id);
    expect(entry).toMatchObject({ outcome: 'declined' });
    const read = await user.readPayment(shopper, entry!.payment_id);
    expect(read.body).toMatchObject({ status: 'declined', reason });
  });

  test('of nothing costs nothing, and confirms the order all the same', async () => {
    const { shopper, order } = await anOrder(await user.aProduct({ priceCents: 0 }));
    const paid = await user.pay(shopper, order.id);
    expect(paid.body).toMatchObject({ status: 'captured', amountCents: 0 });
    expect((await user.readOrder(shopper, order.id, 20)).body.status).toBe('confirmed');
  });
});

describe('tok_timeout', () => {
  test('the outcome is unknown at first, and found out without charging twice', () =>
    // The gateway is given up on, and asked again, well after the first answer has been read.
    shop.withSettings('payment', { GATEWAY_TIMEOUT_MS: '4000', SETTLE_TIMEOUT_MS: '100' }, async () => {
      const { shopper, order } = await anOrder();
      const key = newId();
      const first = await user.pay(shopper, order.id, { method: 'tok_timeout', key, wait: 0 });
      expect([outcomeOf(first), first.body.status]).toEqual([[202, 'ok'], 'pending']);
      // Unknown means neither declined nor free for another try: that could charge twice.
      expect(outcomeOf(await user.pay(shopper, order.id))).toEqual([409, 'order-not-payable']);

      const settled = await user.readPayment(shopper, first.body.id, 20);
      expect(settled.body.status).toBe('captured');
      expect((await user.readOrder(shopper, order.id, 20)).body.status).toBe('confirmed');
      const again = await user.pay(shopper, order.id, { method: 'tok_timeout', key });
      expect([again.status, again.body]).toEqual([201, settled.body]);
      expect(await ledgerOf(order.id)).toMatchObject([
        { payment_id: first.body.id, outcome: 'captured', amount_cents: 4_900, refunded_at: null },
      ]);
      expect(await paymentsOf(order.id)).toHaveLength(1);
    }));

  test('while the hold ends: the money that moved comes back', async () => {
    // The gateway is asked again long after the hold has ended.
    await shop.withSettings('payment', { GATEWAY_TIMEOUT_MS: '4000', SETTLE_TIMEOUT_MS: '100' }, async () => {
      const product = await user.aProduct({ stock: 1 });
      const { shopper, order } = await anOrder(product);
      const first = await user.pay(shopper, order.id, { method: 'tok_timeout', wait: 0 });
      expect(outcomeOf(first)).toEqual([202, 'ok']);
      await shop.endHold(order.reservationId);
      await eventually(async () => {
        expect((await user.readPayment(shopper, first.body.id)).body.status).toBe('refunded');
        expect((await user.readOrder(shopper, order.id)).body.status).toBe('refunded');
      });
      expect((await ledgerOf(order.id)).map(({ refunded_at: at }) => at)).toEqual([expect.any(Date)]);
      await user.untilAvailable(product, 1);
    });
  });
});

describe('paying twice', () => {
  test('with the same key gets the first answer again', async () => {
    const { shopper, order } = await anOrder();
    const key = newId();
    const first = await user.pay(shopper, order.id, { key });
    const again = await user.pay(shopper, order.id, { key });
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(await ledgerOf(order.id)).toHaveLength(1);
    await user.readOrder(shopper, order.id, 20);
  });

  test('with the same key, many times at once, charges once and answers each', async () => {
    const { shopper, order } = await anOrder();
    const key = newId();
    const answers = await Promise.all(Array.from({ length: 12 }, () => user.pay(shopper, order.id, { key })));
    expect(answers.map((answer) => outcomeOf(answer).join(' '))).toEqual(Array(12).fill('201 ok'));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await ledgerOf(order.id)).toHaveLength(1);
    expect(await paymentsOf(order.id)).toHaveLength(1);
    await user.readOrder(shopper, order.id, 20);
  });

  test('with many keys at once charges once', async () => {
    const { shopper, order } = await anOrder();
    const answers = await Promise.all(Array.from({ length: 12 }, () => user.pay(shopper, order.id)));
    const outcomes = answers.map((answer) => outcomeOf(answer).join(' '));
    expect(outcomes.filter((outcome) => outcome === '201 ok')).toHaveLength(1);
    for (const outcome of outcomes) {
      expect(['201 ok', '409 order-not-payable', '409 already-paid']).toContain(outcome);
    }
    expect(await ledgerOf(order.id)).toHaveLength(1);
    expect((await user.readOrder(shopper, order.id, 20)).body.status).toBe('confirmed');
    expect(outcomeOf(await user.pay(shopper, order.id))).toEqual([409, 'already-paid']);
  });

  test('with the key of another payment is refused', async () => {
    const { shopper, order } = await anOrder();
    const key = newId();
    await user.pay(shopper, order.id, { key });
    const other = await user.reserve(shopper, await user.aCart(shopper, [await user.aProduct(), 1]));
    expect(outcomeOf(await user.pay(shopper, other.body.orderId, { key }))).toEqual([422, 'idempotency-key-reused']);
    expect(outcomeOf(await user.pay(shopper, order.id, { key, method: 'tok_slow' }))).toEqual([
      422,
      'idempotency-key-reused',
    ]);
    expect(await ledgerOf(other.body.orderId)).toEqual([]);
  });
});

describe('what is refused before anything happens', () => {
  test.each<[string, (orderId: string) => unknown]>([
    ['an unknown field', (orderId) => ({ orderId, method: { token: 'tok_ok' }, amountCents: 1 })],
    ['an unknown field of the method', (orderId) => ({ orderId, method: { token: 'tok_ok', card: '4111' } })],
    ['a token of another form', (orderId) => ({ orderId, method: { token: '4111111111111111' } })],
    ['a long token', (orderId) => ({ orderId, method: { token: `tok_${'x'.repeat(49)}` } })],
    ['no method', (orderId) => ({ orderId })],
    ['no order', () => ({ method: { token: 'tok_ok' } })],
    ['an order that is no id', () => ({ orderId: 'mine', method: { token: 'tok_ok' } })],
    ['a list', () => []],
  ])('%s: 422', async (_what, bodyFor) => {
    const { shopper, reservation } = await user.aHold(await user.aProduct());
    const body = bodyFor(reservation.orderId);
    const sent = { body, token: shopper.token, headers: { 'idempotency-key': newId() } };
    expect(outcomeOf(await shop.call('POST', '/api/payments', sent))).toEqual([422, 'invalid-input']);
    expect(await paymentsOf(reservation.orderId)).toEqual([]);
  });

  test('no key: 400, and nothing is charged', async () => {
    const { shopper, order } = await anOrder();
    const sent = { body: { orderId: order.id, method: { token: 'tok_ok' } }, token: shopper.token };
    expect(outcomeOf(await shop.call('POST', '/api/payments', sent))).toEqual([400, 'idempotency-key-required']);
    expect(await paymentsOf(order.id)).toEqual([]);
  });

  test('nobody without a token: 401', async () => {
    expect(outcomeOf(await shop.call('POST', '/api/payments', { body: {} }))).toEqual([401, 'unauthenticated']);
    expect(outcomeOf(await shop.call('GET', `/api/payments/${newId()}`))).toEqual([401, 'unauthenticated']);
  });

  test("somebody else's order or payment is not there", async () => {
    const { shopper: owner, order } = await anOrder();
    const thief = shop.aShopper();
    expect(outcomeOf(await user.pay(thief, order.id))).toEqual([404, 'not-found']);
    expect(await paymentsOf(order.id)).toEqual([]);
    const paid = await user.pay(owner, order.id);
    for (const wait of [0, 1]) {
      expect(outcomeOf(await user.readPayment(thief, paid.body.id, wait))).toEqual([404, 'not-found']);
    }
    await user.readOrder(owner, order.id, 20);
  });

  test('an order or payment that nobody made is not there', async () => {
    const shopper = shop.aShopper();
    expect(outcomeOf(await user.pay(shopper, newId()))).toEqual([404, 'not-found']);
    expect(outcomeOf(await user.readPayment(shopper, newId(), 1))).toEqual([404, 'not-found']);
    expect(outcomeOf(await user.readPayment(shopper, 'not-an-id'))).toEqual([404, 'not-found']);
  });
});

describe('a payment whose order has not come', () => {
  test('waits, and is captured when the order service is back', async () => {
    const product = await user.aProduct();
    const { shopper, orderId, accepted } = await shop.without('order', async () => {
      const { shopper, reservation } = await user.aHold(product);
      const { orderId } = reservation;
      const accepted = await user.pay(shopper, orderId, { wait: 0 });
      expect([outcomeOf(accepted), accepted.body.status]).toEqual([[202, 'ok'], 'pending']);
      expect(accepted.headers.get('location')).toBe(`/api/payments/${accepted.body.id}`);
      expect(accepted.body.amountCents).toBeNull();
      expect(await ledgerOf(orderId)).toEqual([]);
      expect(outcomeOf(await user.pay(shopper, orderId, { wait: 0 }))).toEqual([409, 'order-not-payable']);
      return { shopper, orderId, accepted };
    });
    expect((await user.readPayment(shopper, accepted.body.id, 20)).body).toMatchObject({
      status: 'captured',
      amountCents: 4_900,
      currency: 'EUR',
    });
    expect((await user.readOrder(shopper, orderId, 20)).body.status).toBe('confirmed');
    expect(await ledgerOf(orderId)).toHaveLength(1);
  });

  test('ends with nothing charged when the reservation is cancelled meanwhile', async () => {
    const product = await user.aProduct();
    const { shopper, paymentId } = await shop.without('order', async () => {
      const { shopper, reservation } = await user.aHold(product);
      const accepted = await user.pay(shopper, reservation.orderId, { wait: 0 });
      expect((await user.cancel(shopper, reservation.id)).body.status).toBe('released');
      return { shopper, paymentId: accepted.body.id };
    });
    // The order may be open for a moment before it is cancelled; what was captured then comes back.
    await eventually(async () => {
      const { status } = (await user.readPayment(shopper, paymentId)).body;
      expect(['declined', 'refunded']).toContain(status);
    });
    await user.untilAvailable(product, 5);
  });

  test('is declined as not payable when nothing is heard of the order', () =>
    shop.withSettings('payment', { ORDER_WAIT_MS: '200', ORPHAN_SWEEP_MS: '50' }, () =>
      shop.without('order', async () => {
        const { shopper, reservation } = await user.aHold(await user.aProduct());
        const key = newId();
        for (let time = 1; time <= 2; time += 1) {
          expect(outcomeOf(await user.pay(shopper, reservation.orderId, { key }))).toEqual([409, 'order-not-payable']);
        }
        expect(await ledgerOf(reservation.orderId)).toEqual([]);
      }),
    ));
});

test('PostgreSQL itself refuses a second captured payment of an order', async () => {
  const { shopper, order } = await anOrder();
  await user.pay(shopper, order.id);
  await user.readOrder(shopper, order.id, 20);
  const insert = `INSERT INTO payments (id, order_id, user_id, idempotency_key, method_token, status, amount_cents, currency)
                  VALUES ($1, $2, $3, $4, 'tok_ok', 'captured', 4900, 'EUR')`;
  await expect(shop.query('payment', insert, [newId(), order.id, shopper.userId, newId()])).rejects.toMatchObject({
    constraint: 'one_capture_per_order',
  });
});
