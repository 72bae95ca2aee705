import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import { openReads } from '@flash-sale/shared/db/connection.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { removableBefore, type Removal } from '@flash-sale/shared/service/retention.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { releasedHolds } from '../services/inventory/src/adapters/retention.ts';
import { unpaidPayables } from '../services/payment/src/adapters/retention.ts';
import { pruneUsedKeys, removals } from '../services/reservation/src/adapters/retention.ts';
import { unpaidOrders } from '../services/order/src/adapters/retention.ts';
import { startShop, type Shop, type Shopper } from '../test-kit/in-process/shop.ts';
import { outcomeOf, shopping } from '../test-kit/in-process/shopping.ts';

/* What the removals of the four services take from real databases, and what they leave. The rules for what comes late are in retention.test.ts. */

let shop: Shop;
let user: ReturnType<typeof shopping>;
let databases: Record<'inventory' | 'reservation' | 'order' | 'payment', Kysely<never>>;
let remove: Record<keyof typeof databases, Removal[]>;

beforeAll(async () => {
  shop = await startShop();
  user = shopping(shop);
  const open = (name: keyof typeof databases) =>
    openReads<never>({ url: shop.databaseUrls[name], poolSize: 2, statementTimeoutMs: 10_000, onError: () => {} });
  databases = {
    inventory: open('inventory'),
    reservation: open('reservation'),
    order: open('order'),
    payment: open('payment'),
  };
  remove = {
    inventory: [releasedHolds(databases.inventory)],
    reservation: removals(databases.reservation),
    order: [unpaidOrders(databases.order)],
    payment: [unpaidPayables(databases.payment)],
  };
});
afterAll(async () => {
  await Promise.all(Object.values(databases ?? {}).map((db) => db.destroy()));
  await shop?.close();
});

/** As if all of it were long ago: later than any deadline of the test. */
const longAfter = () => new Date(Date.now() + 86_400_000);
const ids = async (database: keyof typeof databases, table: string, id = 'id') =>
  (await shop.query<{ id: string }>(database, `SELECT ${id} AS id FROM ${table}`)).map((row) => row.id);

async function reserved(shopper: Shopper, productId: string, quantity = 1) {
  const cartId = await user.aCart(shopper, [productId, quantity]);
  const key = newId();
  const answer = await user.reserve(shopper, cartId, { key });
  return { cartId, key, answer, ...answer.body };
}

describe('removal', () => {
  test('takes what came to nothing, whole, and leaves what was bought, is held or is young', async () => {
    const product = await user.aProduct({ stock: 3 });
    const shopper = shop.aShopper();
    const bought = await reserved(shopper, product);
    expect(outcomeOf(await user.pay(shopper, bought.orderId))).toEqual([201, 'ok']);
    const declined = await reserved(shopper, product);
    expect((await user.pay(shopper, declined.orderId, { method: 'tok_declined' })).status).toBe(402);
    for (const { id } of [declined]) expect((await user.cancel(shopper, id)).status).toBe(200);
    const live = await reserved(shopper, product);
    const refused = await reserved(shopper, product, 3);
    expect(outcomeOf(refused.answer)).toEqual([409, 'sold-out']);
    const emptyCart = await user.aCart(shopper);
    await eventually(async () => {
      expect((await user.readOrder(shopper, bought.orderId)).body.status).toBe('confirmed');
      expect((await user.readOrder(shopper, declined.orderId)).body.status).toBe('cancelled');
      const closed = await shop.query('payment', `SELECT FROM payables WHERE status = 'closed'`);
      expect(closed.length).toBeGreaterThan(0);
    });

    for (const removals of Object.values(remove))
      for (const one of removals) expect(await one.run(new Date(0))).toBe(0);
    expect((await ids('reservation', 'carts')).length).toBe(5);
    for (const removals of Object.values(remove)) for (const one of removals) await one.run(longAfter());

    expect((await ids('inventory', 'holds', 'reservation_id')).sort()).toEqual([bought.id, live.id].sort());
    expect((await ids('reservation', 'reservations')).sort()).toEqual([bought.id, live.id].sort());
    expect((await ids('reservation', 'carts')).sort()).toEqual([bought.cartId, live.cartId].sort());
    expect((await ids('order', 'orders')).sort()).toEqual([bought.orderId, live.orderId].sort());
    // A payable of what may still be paid stays as long as its deadline; this one is past, as all is.
    expect(await ids('payment', 'payables', 'order_id')).toEqual([bought.orderId]);
    expect((await ids('payment', 'payments', 'order_id')).sort()).toEqual([bought.orderId, declined.orderId].sort());

    const gone = [
      await user.readReservation(shopper, declined.id),
      await user.readOrder(shopper, declined.orderId),
      await user.readCart(shopper, emptyCart),
    ];
    // An order is looked for as long as it may be on its way: this one is young in truth.
    expect(gone.map(outcomeOf)).toEqual([
      [404, 'not-found'],
      [503, 'unavailable'],
      [404, 'not-found'],
    ]);
  });

  test('leaves the key: it buys nothing again, and is honoured a day', async () => {
    const product = await user.aProduct({ stock: 2, limitPerUser: 1 });
    const shopper = shop.aShopper();
    const released = await reserved(shopper, product);
    expect((await user.cancel(shopper, released.id)).status).toBe(200);
    const cartId = await user.aCart(shopper, [product, 2]);
    const key = newId();
    expect(outcomeOf(await user.reserve(shopper, cartId, { key }))).toEqual([409, 'limit-exceeded']);
    for (const one of remove.reservation) await one.run(longAfter());

    const again = [
      await user.reserve(shopper, released.cartId, { key: released.key }),
      await user.reserve(shopper, cartId, { key }),
      await user.reserve(shopper, cartId, { key: released.key }),
    ];
    expect(again.map(outcomeOf)).toEqual([
      [409, 'reservation-cancelled'],
      [409, 'limit-exceeded'],
      [422, 'idempotency-key-reused'],
    ]);
    await user.untilAvailable(product, 2);

    const keysOf = () => shop.query('reservation', 'SELECT FROM used_keys WHERE user_id = $1', [shopper.userId]);
    await pruneUsedKeys(databases.reservation, 86_400_000);
    expect(await keysOf()).toHaveLength(2);
    await pruneUsedKeys(databases.reservation, 0);
    expect(await keysOf()).toHaveLength(0);
  });

  test('waits for nobody: what is locked stays whole for the next pass', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const released = await reserved(shopper, product);
    expect((await user.cancel(shopper, released.id)).status).toBe(200);
    const removeReservations = () => remove.reservation[0]!.run(longAfter());
    const isHeld = databases.reservation.transaction().execute(async (tx) => {
      await sql`SELECT FROM carts WHERE id = ${released.cartId} FOR UPDATE`.execute(tx);
      return removeReservations();
    });
    expect(await isHeld).toBe(0);
    expect(outcomeOf(await user.readReservation(shopper, released.id))).toEqual([200, 'ok']);
    const [nextPass] = removals(databases.reservation);
    expect(await nextPass!.run(longAfter())).toBe(1);
    expect(await ids('reservation', `carts WHERE id = '${released.cartId}'`)).toEqual([]);
  });

  test('of more than a page goes on where it was', async () => {
    const made = 2_500;
    await shop.query(
      'inventory',
      `INSERT INTO holds (reservation_id, order_id, user_id, state, items, expires_at)
       SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, gen_random_uuid(), gen_random_uuid(),
              CASE WHEN n % 5 = 0 THEN 'committed' ELSE 'released' END, '[]', now() FROM generate_series(1, $1) n`,
      [made],
    );
    expect(await releasedHolds(databases.inventory).run(longAfter())).toBeGreaterThanOrEqual(made * 0.8);
    expect(await ids('inventory', `holds WHERE state = 'released'`, 'reservation_id')).toEqual([]);
    await shop.query('inventory', `DELETE FROM holds WHERE items = '[]'`);
  });
});

describe('until when', () => {
  const keptForMs = 3_600_000;
  const age = async (transport: Parameters<typeof removableBefore>[0]['transport']) => {
    const before = await removableBefore({
      db: databases.inventory,
      keptForMs,
      transport,
    });
    return before && Date.now() - before.getTime();
  };

  test('nothing younger than what waits in the outbox', async () => {
    expect(Math.round((await age({}))! / 600_000)).toBe(6);
    const record = newId();
    await shop.query(
      'inventory',
      `INSERT INTO outbox (id, events, next_attempt_at, created_at) VALUES ($1, '[]', now() + interval '1 day', now() - interval '5 hours')`,
      [record],
    );
    expect(Math.round((await age({}))! / 600_000)).toBe(30);
    await shop.query('inventory', 'DELETE FROM outbox WHERE id = $1', [record]);
  });

  test.each([
    [1, false],
    [undefined, false],
    [0, true],
  ])('with %s dead letters: %s', async (dead, may) => {
    expect((await age({ deadLettersLeft: () => Promise.resolve(dead) })) !== undefined).toBe(may);
  });
});
