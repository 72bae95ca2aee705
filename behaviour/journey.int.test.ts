import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { shop, user } from '../test-kit/in-process/audited-shop.ts';
import { audit } from '../test-kit/in-process/audit.ts';
import { outcomeOf, type ReservationBody } from '../test-kit/in-process/shopping.ts';
import type { Shopper } from '../test-kit/in-process/shop.ts';

/** An index by what changes, or with it in its condition, makes every change write into all indexes of the table. */
test.each([
  ['reservation', 'carts'],
  ['reservation', 'reservations'],
  ['order', 'orders'],
  ['payment', 'payables'],
] as const)('what a purchase changes in the %s service touches no index of its %s', async (service, table) => {
  const { shopper, reservation } = await user.aHold(await user.aProduct());
  expect(outcomeOf(await user.pay(shopper, reservation.orderId))).toEqual([201, 'ok']);
  const changes = `SELECT n_tup_upd::int AS changed, n_tup_hot_upd::int AS "withoutIndex"
                     FROM pg_stat_user_tables WHERE relname = $1`;
  await eventually(async () => {
    const [counts] = await shop.query<{ changed: number; withoutIndex: number }>(service, changes, [table]);
    expect(counts!.changed).toBeGreaterThan(0);
    expect(counts!.withoutIndex).toBe(counts!.changed);
  });
});

describe('a purchase', () => {
  test('from the cart to the confirmed order', async () => {
    const [shoes, socks] = [await user.aProduct(), await user.aProduct({ name: 'Socks', priceCents: 900 })];
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [shoes, 2], [socks, 3]);

    const reserved = await user.reserve(shopper, cartId);
    expect(outcomeOf(reserved)).toEqual([201, 'ok']);
    const { id, orderId } = reserved.body;
    expect(reserved.headers.get('location')).toBe(`/api/reservations/${id}`);
    expect(reserved.body).toMatchObject({
      status: 'held',
      totalCents: 2 * 4_900 + 3 * 900,
      currency: 'EUR',
      items: [
        { productId: shoes, name: 'Comet sneakers', quantity: 2, unitPriceCents: 4_900 },
        { productId: socks, name: 'Socks', quantity: 3, unitPriceCents: 900 },
      ],
    });
    expect(Date.parse(reserved.body.expiresAt!) - Date.now()).toBeGreaterThan(100_000);
    await user.untilAvailable(shoes, 3);
    await user.untilAvailable(socks, 2);

    const order = await user.arrivedOrder(shopper, orderId);
    expect(order.body).toMatchObject({
      id: orderId,
      reservationId: id,
      status: 'awaiting-payment',
      totalCents: 12_500,
      declinedPayments: 0,
      items: reserved.body.items,
    });

    const paid = await user.pay(shopper, orderId);
    expect(outcomeOf(paid)).toEqual([201, 'ok']);
    expect(paid.headers.get('location')).toBe(`/api/payments/${paid.body.id}`);
    expect(paid.body).toMatchObject({ orderId, status: 'captured', amountCents: 12_500, currency: 'EUR' });

    expect((await user.readOrder(shopper, orderId, 20)).body.status).toBe('confirmed');
    await eventually(async () => {
      expect((await user.readReservation(shopper, id)).body.status).toBe('completed');
    });
    expect((await user.readPayment(shopper, paid.body.id)).body).toEqual(paid.body);
    await user.untilAvailable(shoes, 3);
    await user.untilAvailable(socks, 2);
  });

  test('of a crowd: exactly the stock is sold, everybody else hears of it, and nobody waits in vain', async () => {
    const product = await user.aProduct({ stock: 7 });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const shopper = shop.aShopper();
        const cartId = await user.aCart(shopper, [product, 1]);
        const reserved = await user.reserve(shopper, cartId);
        if (reserved.status !== 201) return outcomeOf(reserved).join(' ');
        const paid = await user.pay(shopper, reserved.body.orderId);
        const order = await user.readOrder(shopper, reserved.body.orderId, 20);
        return `${outcomeOf(paid).join(' ')}, ${order.body.status}`;
      }),
    );
    expect(outcomes.filter((outcome) => outcome === '201 ok, confirmed')).toHaveLength(7);
    expect(outcomes.filter((outcome) => outcome === '409 sold-out')).toHaveLength(33);
    await user.untilAvailable(product, 0);
  });

  test('of the last unit, wanted by many who all hold another: one gets it', async () => {
    const [common, last] = [await user.aProduct({ stock: 20 }), await user.aProduct({ stock: 1 })];
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const shopper = shop.aShopper();
        return user.reserve(shopper, await user.aCart(shopper, [common, 1], [last, 1]));
      }),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    // All or nothing: who did not get the last one holds none of the others.
    await user.untilAvailable(common, 19);
    await user.untilAvailable(last, 0);
  });
});

test('whoever sends a request for the last unit several times at once hears the same each time, whatever others hear', async () => {
  const product = await user.aProduct({ stock: 1 });
  const answers = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const [shopper, key] = [shop.aShopper(), newId()];
      const cart = await user.aCart(shopper, [product, 1]);
      const repeated = Array.from({ length: 4 }, () => user.reserve(shopper, cart, { key }));
      return [...new Set((await Promise.all(repeated)).map(({ status, body }) => `${status} ${body.id}`))];
    }),
  );
  expect(answers.map((each) => each.length)).toEqual([1, 1, 1, 1]);
  expect(answers.flat().filter((answer) => answer.startsWith('201'))).toHaveLength(1);
  await user.untilAvailable(product, 0);
});

describe('a declined payment', () => {
  test('leaves the order to another try with a new key', async () => {
    const { shopper, reservation } = await user.aHold(await user.aProduct());
    const { orderId } = reservation;
    const key = newId();
    const declined = await user.pay(shopper, orderId, { method: 'tok_declined', key });
    expect(outcomeOf(declined)).toEqual([402, 'payment-declined']);
    await eventually(async () => {
      expect((await user.readOrder(shopper, orderId)).body).toMatchObject({
        status: 'awaiting-payment',
        declinedPayments: 1,
      });
    });
    // The same key means the same try.
    expect(outcomeOf(await user.pay(shopper, orderId, { method: 'tok_declined', key }))).toEqual([
      402,
      'payment-declined',
    ]);
    expect(outcomeOf(await user.pay(shopper, orderId, { key }))).toEqual([422, 'idempotency-key-reused']);

    expect(outcomeOf(await user.pay(shopper, orderId))).toEqual([201, 'ok']);
    expect((await user.readOrder(shopper, orderId, 20)).body).toMatchObject({
      status: 'confirmed',
      declinedPayments: 1,
    });
  });

  test('does not keep the cart from being bought in the end', async () => {
    const product = await user.aProduct({ stock: 1 });
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 1]);
    const first = await user.reserve(shopper, cartId);
    expect(outcomeOf(await user.pay(shopper, first.body.orderId, { method: 'tok_nonsense' }))).toEqual([
      402,
      'payment-declined',
    ]);
    expect((await user.cancel(shopper, first.body.id)).body.status).toBe('released');
    await user.untilAvailable(product, 1);
    const second = await user.reserve(shopper, cartId);
    expect(outcomeOf(second)).toEqual([201, 'ok']);
    expect(second.body.orderId).not.toBe(first.body.orderId);
    expect(outcomeOf(await user.pay(shopper, second.body.orderId))).toEqual([201, 'ok']);
    await user.untilNotPayable(first.body.orderId);
    expect(outcomeOf(await user.pay(shopper, first.body.orderId))).toEqual([409, 'order-not-payable']);
    expect((await user.readOrder(shopper, second.body.orderId, 20)).body.status).toBe('confirmed');
  });
});

describe('cancelling', () => {
  test('gives the units back and ends the order', async () => {
    const product = await user.aProduct();
    const { shopper, reservation } = await user.aHold(product, 3);
    const cancelled = await user.cancel(shopper, reservation.id);
    expect(outcomeOf(cancelled)).toEqual([200, 'ok']);
    expect(cancelled.body).toMatchObject({ id: reservation.id, status: 'released', reason: 'cancelled' });
    await user.untilAvailable(product, 5);
    expect((await user.readOrder(shopper, reservation.orderId, 20)).body.status).toBe('cancelled');
    await user.untilNotPayable(reservation.orderId);
    expect(outcomeOf(await user.pay(shopper, reservation.orderId))).toEqual([409, 'order-not-payable']);

    const again = await user.cancel(shopper, reservation.id);
    expect([outcomeOf(again), again.body]).toEqual([[200, 'ok'], cancelled.body]);
    await user.untilAvailable(product, 5);
  });

  test('many times at once gives the units back once', async () => {
    const product = await user.aProduct();
    const { shopper, reservation } = await user.aHold(product, 3);
    const answers = await Promise.all(Array.from({ length: 8 }, () => user.cancel(shopper, reservation.id)));
    for (const answer of answers) expect([answer.status, answer.body.status]).toEqual([200, 'released']);
    await user.untilAvailable(product, 5);
  });

  test('what is bought is refused', async () => {
    const product = await user.aProduct();
    const { shopper, reservation } = await user.aHold(product, 2);
    await user.pay(shopper, reservation.orderId);
    await user.readOrder(shopper, reservation.orderId, 20);
    expect(outcomeOf(await user.cancel(shopper, reservation.id))).toEqual([409, 'reservation-completed']);
    await user.untilAvailable(product, 3);
  });

  test('opens the cart again, with what was in it', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 2]);
    const { body } = await user.reserve(shopper, cartId);
    expect(outcomeOf(await user.addToCart(shopper, cartId, product))).toEqual([409, 'cart-reserved']);
    await user.cancel(shopper, body.id);
    expect((await user.addToCart(shopper, cartId, product)).body.items).toEqual([{ productId: product, quantity: 3 }]);
    expect((await user.reserve(shopper, cartId)).body).toMatchObject({ status: 'held', totalCents: 3 * 4_900 });
  });

  test('and paying at once: either bought, or cancelled with nothing kept', async () => {
    const tries = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const { shopper, reservation } = await user.aHold(await user.aProduct());
        const [paid] = await Promise.all([
          user.pay(shopper, reservation.orderId),
          user.cancel(shopper, reservation.id, 0),
        ]);
        return { shopper, reservation, paid: outcomeOf(paid).join(' ') };
      }),
    );
    await audit(shop);
    await expectConsistentEnds(tries);
  });
});

type Tries = { shopper: Shopper; reservation: ReservationBody; paid: string }[];

/** @returns how many were bought in the end */
async function expectConsistentEnds(tries: Tries): Promise<number> {
  const ends = await Promise.all(
    tries.map(async ({ shopper, reservation, paid }) => {
      const order = await user.readOrder(shopper, reservation.orderId);
      const { body } = await user.readReservation(shopper, reservation.id);
      return `${paid}, ${order.body.status}, ${body.status}`;
    }),
  );
  for (const end of ends) {
    expect([
      '201 ok, confirmed, completed',
      '201 ok, refunded, released',
      '409 order-not-payable, cancelled, released',
    ]).toContain(end);
  }
  return ends.filter((end) => end.includes('confirmed')).length;
}

describe('a hold that ends', () => {
  test('puts the units back on sale and cancels the order', async () => {
    const product = await user.aProduct({ stock: 2 });
    const { shopper, reservation } = await user.aHold(product, 2);
    await user.untilAvailable(product, 0);
    await shop.endHold(reservation.id);
    const { body } = await user.readOrder(shopper, reservation.orderId, 20);
    expect(body.status).toBe('cancelled');
    await eventually(async () => {
      expect((await user.readReservation(shopper, reservation.id)).body).toMatchObject({
        status: 'released',
        reason: 'expired',
      });
    });
    await user.untilAvailable(product, 2);
    await user.untilNotPayable(reservation.orderId);
    expect(outcomeOf(await user.pay(shopper, reservation.orderId))).toEqual([409, 'order-not-payable']);
    // The next one gets them.
    const next = await user.aHold(product, 2);
    expect(outcomeOf(await user.cancel(next.shopper, next.reservation.id))).toEqual([200, 'ok']);
  });

  test('while the gateway thinks: the money goes back, the units are on sale, and the order says so', async () => {
    const product = await user.aProduct({ stock: 1 });
    const { shopper, reservation } = await user.aHold(product);
    const { orderId } = reservation;
    const key = newId();
    const paying = user.pay(shopper, orderId, { method: 'tok_slow', key });
    const asked = `SELECT FROM payments WHERE order_id = $1 AND amount_cents IS NOT NULL`;
    await eventually(async () => expect(await shop.query('payment', asked, [orderId])).toHaveLength(1));
    await shop.endHold(reservation.id);
    await user.untilAvailable(product, 1);
    const paid = await paying;
    expect(paid.status).toBe(201);

    await eventually(async () => {
      expect((await user.readPayment(shopper, paid.body.id)).body.status).toBe('refunded');
      expect((await user.readOrder(shopper, orderId)).body.status).toBe('refunded');
    });
    const [entry] = await shop.query<{ refunded_at: Date | null }>(
      'gateway',
      'SELECT * FROM ledger WHERE order_id = $1',
      [orderId],
    );
    expect(entry!.refunded_at).not.toBeNull();
    await user.untilAvailable(product, 1);
    // Told again, it is the same payment; told anew, there is nothing to pay.
    expect((await user.pay(shopper, orderId, { method: 'tok_slow', key })).body).toMatchObject({
      id: paid.body.id,
      status: 'refunded',
    });
    expect(outcomeOf(await user.pay(shopper, orderId))).toEqual([409, 'order-not-payable']);
  });

  test('just when its payment comes: one of the two, for each of many', () =>
    shop.withSettings('inventory', { HOLD_TTL_MS: '1000' }, async () => {
      const product = await user.aProduct({ stock: 30 });
      const tries = await Promise.all(
        Array.from({ length: 30 }, async (_, index) => {
          const { shopper, reservation } = await user.aHold(product);
          await sleep(Math.max(0, Date.parse(reservation.expiresAt!) - Date.now() + index * 4 - 60));
          const paid = await user.pay(shopper, reservation.orderId);
          return { shopper, reservation, paid: outcomeOf(paid).join(' ') };
        }),
      );
      await audit(shop);
      const bought = await expectConsistentEnds(tries);
      await user.untilAvailable(product, 30 - bought);
    }));
});
