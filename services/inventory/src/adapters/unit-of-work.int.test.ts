import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { openReads } from '@flash-sale/shared/db/connection.ts';
import type { DomainEvent, EventData } from '@flash-sale/contract/events/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { about, aProduct, aRequest } from '../testing/builders.ts';
import { openInventory } from '../testing/harness.ts';
import { dueHolds } from './due-holds.ts';
import type { InventoryTables } from './tables.ts';

let inventory: Awaited<ReturnType<typeof openInventory>>;
beforeEach(async () => {
  inventory = await openInventory();
});
afterEach(async () => {
  const found = await inventory.contradictions();
  await inventory.close();
  expect(found).toEqual([]);
});

type Request = EventData<'reservation.requested'>;
const requested = (data: Request) => anEvent('reservation.requested', data);
const cancelled = (data: Request) => anEvent('reservation.cancelled', about(data));
const paid = (data: Request) => anEvent('order.paid', about(data));
const request = (productId: string, quantity = 1, userId = newId()) => aRequest([{ productId, quantity }], { userId });
const due = async () => {
  const reads = openReads<InventoryTables>({
    url: inventory.database.url,
    poolSize: 1,
    statementTimeoutMs: 5_000,
    onError: () => {},
  });
  try {
    return await dueHolds(reads);
  } finally {
    await reads.destroy();
  }
};
const receive = async (lane: ReturnType<typeof inventory.openLane>, ...events: DomainEvent[]) => {
  const { failures } = await lane.receive(events, 'deliver');
  expect(failures).toEqual([]);
};
const typesOf = async () => (await inventory.announced()).map(({ type }) => type);

describe('from request to sale', () => {
  test('a hold, its payment, and the levels on the way', async () => {
    const lane = inventory.openLane();
    const id = await inventory.addProduct(5, 3);
    const wanted = request(id, 2);
    await receive(lane, requested(wanted));
    expect(await inventory.stockOf(id)).toEqual({ total: 5, held: 2, sold: 0, version: 2 });
    await receive(lane, paid(wanted));
    expect(await inventory.stockOf(id)).toEqual({ total: 5, held: 0, sold: 2, version: 3 });
    expect(await typesOf()).toEqual(['stock.held', 'stock.committed']);
    expect(inventory.published).toEqual([
      { productId: id, available: 3, version: 2, revision: 1 },
      { productId: id, available: 3, version: 3, revision: 1 },
    ]);
  });

  test('all in one batch gives the same; the version rises once a transaction', async () => {
    const lane = inventory.openLane();
    const id = await inventory.addProduct(5, 3);
    const wanted = request(id, 2);
    await receive(lane, requested(wanted), paid(wanted));
    expect(await inventory.stockOf(id)).toEqual({ total: 5, held: 0, sold: 2, version: 2 });
    expect(await typesOf()).toEqual(['stock.held', 'stock.committed']);
  });

  test('the prices and the names that are told are those of the product', async () => {
    const lane = inventory.openLane();
    const product = aProduct({ name: 'Ridge tent “XL”', priceCents: 99_999_999, currency: 'CHF', limitPerUser: 7 });
    await lane.run('createProduct', { product, units: 1_000 });
    await receive(lane, requested(request(product.id, 3)));
    const [held] = await inventory.rows(`SELECT e->'data' AS data FROM outbox, json_array_elements(events) e`);
    expect(held).toMatchObject({
      data: {
        items: [{ productId: product.id, name: 'Ridge tent “XL”', quantity: 3, unitPriceCents: 99_999_999 }],
        totalCents: 299_999_997,
        currency: 'CHF',
      },
    });
  });

  test('a sale’s hours are kept to the database’s clock', async () => {
    const lane = inventory.openLane();
    const minute = 60_000;
    for (const [startsInMs, endsInMs] of [
      [minute, 2 * minute],
      [-1, minute],
      [-minute, -1],
    ] as const) {
      const now = Date.now();
      const product = aProduct({
        saleStartsAt: new Date(now + startsInMs),
        saleEndsAt: new Date(now + endsInMs),
      });
      await lane.run('createProduct', { product, units: 5 });
      await receive(lane, requested(request(product.id)));
    }
    expect((await inventory.announced()).map(({ type, reason }) => [type, reason])).toEqual([
      ['stock.refused', 'sale-closed'],
      ['stock.held', null],
      ['stock.refused', 'sale-closed'],
    ]);
  });

  test('restocking is seen by the next request', async () => {
    const lane = inventory.openLane();
    const id = await inventory.addProduct(0);
    await receive(lane, requested(request(id)));
    expect((await lane.run('restock', { productId: id, units: 2 })).result).toEqual({ available: 2, events: [] });
    await receive(lane, requested(request(id)));
    expect(await typesOf()).toEqual(['stock.refused', 'stock.held']);
    expect((await lane.run('restock', { productId: newId(), units: 1 })).result).toMatchObject({
      refusal: 'product-not-found',
    });
  });

  test('changes of one product on two instances at once are all kept', async () => {
    const lanes = [inventory.openLane(), inventory.openLane()];
    for (let round = 0; round < 20; round += 1) {
      const id = await inventory.addProduct(5);
      await Promise.all([
        lanes[0]!.run('changeProduct', { productId: id, change: { name: 'New' } }),
        lanes[1]!.run('changeProduct', { productId: id, change: { priceCents: 7 } }),
      ]);
      const products = await inventory.rows('SELECT name, price_cents FROM products WHERE id = $1', [id]);
      expect(products).toEqual([{ name: 'New', price_cents: 7 }]);
      expect(await inventory.stockOf(id)).toMatchObject({ version: 3 });
    }
  });

  test('a request that had to wait for a change is decided by it', async () => {
    const lane = inventory.openLane();
    const id = await inventory.addProduct(5, 5);
    const changing = new pg.Client(inventory.database.adminUrl);
    await changing.connect();
    try {
      await changing.query('BEGIN');
      await changing.query('UPDATE stock SET revision = 2 WHERE product_id = $1', [id]);
      const waiting = receive(lane, requested(request(id, 2)));
      const blocked = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await eventually(async () => expect(await inventory.rows(blocked)).toHaveLength(1));
      await changing.query('UPDATE products SET limit_per_user = 1 WHERE id = $1', [id]);
      await changing.query('COMMIT');
      await waiting;
    } finally {
      await changing.end();
    }
    expect(await inventory.announced()).toMatchObject([{ type: 'stock.refused', reason: 'limit-exceeded' }]);
  });

  test('events that come again, in one lane or another, change nothing', async () => {
    const lanes = [inventory.openLane(), inventory.openLane()];
    const id = await inventory.addProduct(5, 3);
    const wanted = request(id, 2);
    const events = [requested(wanted), paid(wanted)];
    for (const lane of [...lanes, ...lanes]) await receive(lane, ...events);
    expect(await inventory.stockOf(id)).toMatchObject({ held: 0, sold: 2 });
    expect(await typesOf()).toEqual(['stock.held', 'stock.committed']);
  });

  test('a request that is told under a new id is still the same reservation', async () => {
    const lane = inventory.openLane();
    const id = await inventory.addProduct(5);
    const wanted = request(id, 2);
    await receive(lane, requested(wanted));
    await receive(lane, requested(wanted));
    expect(await inventory.stockOf(id)).toMatchObject({ held: 2 });
  });

  test('a cancellation that comes before its request', async () => {
    const lane = inventory.openLane();
    const id = await inventory.addProduct(5, 3);
    const wanted = request(id, 2);
    await receive(lane, cancelled(wanted));
    await receive(lane, requested(wanted));
    await receive(lane, paid(wanted));
    expect(await inventory.stockOf(id)).toMatchObject({ total: 5, held: 0, sold: 0 });
    expect(await typesOf()).toEqual(['stock.released', 'stock.commit-refused']);
  });
});

describe('expiry', () => {
  test.each([
    ['without a limit', null],
    ['with a limit a shopper', 2],
  ])('releases the hold of a product %s, once', async (_what, limit) => {
    const lane = inventory.openLane({ holdTtlMs: 1 });
    const id = await inventory.addProduct(5, limit);
    const wanted = request(id, 2);
    await receive(lane, requested(wanted));
    const holds = await eventually(async () => {
      const found = await due();
      expect(found.length).toBe(1);
      return found;
    });
    await Promise.all([...holds, ...holds].map((hold) => lane.run('expire', hold)));

    expect(await inventory.stockOf(id)).toMatchObject({ held: 0, sold: 0 });
    expect(await inventory.announced()).toMatchObject([
      { type: 'stock.held' },
      { type: 'stock.released', reason: 'expired', reservation: wanted.reservationId },
    ]);
    expect(await due()).toEqual([]);
    // What went back may be had again, by the same shopper too.
    await receive(lane, requested(request(id, 2, wanted.userId)));
    expect((await typesOf()).at(-1)).toBe('stock.held');
  });

  test('leaves alone whom time has not yet run out for', async () => {
    const lane = inventory.openLane({ holdTtlMs: 60_000 });
    const id = await inventory.addProduct(5, 2);
    const wanted = request(id, 1);
    await receive(lane, requested(wanted));
    expect(await due()).toEqual([]);
    await lane.run('expire', { ...wanted });
    expect(await inventory.stockOf(id)).toMatchObject({ held: 1 });
  });

  test('a payment and the expiry of its hold race on two instances; one of them wins', async () => {
    const [first, second] = [inventory.openLane({ holdTtlMs: 1 }), inventory.openLane({ holdTtlMs: 1 })];
    const id = await inventory.addProduct(40, 1);
    const wanted = Array.from({ length: 40 }, () => request(id));
    await receive(first, ...wanted.map(requested));
    const holds = await eventually(async () => {
      const found = await due();
      expect(found.length).toBe(40);
      return found;
    });
    await Promise.all([
      ...wanted.map((w, n) => (n % 2 ? receive(first, paid(w)) : receive(second, paid(w)))),
      ...holds.map((hold, n) => (n % 2 ? second : first).run('expire', hold)),
    ]);
    const { held, sold } = await inventory.stockOf(id);
    const types = await typesOf();
    expect(held).toBe(0);
    expect(types.filter((type) => type === 'stock.committed').length).toBe(sold);
    expect(types.filter((type) => type === 'stock.released').length).toBe(40 - sold);
    expect(types.filter((type) => type === 'stock.commit-refused').length).toBe(40 - sold);
  });
});

describe('many at once, on two instances', () => {
  test('five hundred shoppers for a hundred units: a hundred get one, and nobody gets two', async () => {
    const lanes = [inventory.openLane(), inventory.openLane()];
    const id = await inventory.addProduct(100, 1);
    const shoppers = Array.from({ length: 250 }, newId);
    // Everybody tries twice, at two instances, at the same time.
    const tries = [...shoppers, ...shoppers].map((userId) => request(id, 1, userId));
    await Promise.all(tries.map((wanted, n) => receive(lanes[n % 2]!, requested(wanted))));
    expect(await inventory.stockOf(id)).toMatchObject({ total: 100, held: 100, sold: 0 });
    const reasons = (await inventory.announced()).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === null).length).toBe(100);
    expect(reasons.length).toBe(500);
  });

  test('carts with the same products in any order do not block each other', async () => {
    const lanes = [inventory.openLane(), inventory.openLane()];
    const ids = await Promise.all(Array.from({ length: 6 }, () => inventory.addProduct(1_000, 500)));
    const carts = Array.from({ length: 200 }, (_, n) =>
      aRequest((n % 2 ? ids : ids.toReversed()).map((productId) => ({ productId, quantity: 1 }))),
    );
    await Promise.all(carts.map((cart, n) => receive(lanes[n % 2]!, requested(cart))));
    for (const id of ids) expect(await inventory.stockOf(id)).toMatchObject({ held: 200 });
  });

  test('levels whose transaction fails are told as such, and not as committed', async () => {
    const lane = inventory.openLane();
    const id = await inventory.addProduct(5);
    await inventory.rows('ALTER TABLE stock ADD CONSTRAINT few CHECK (total < 100)');
    await expect(lane.run('restock', { productId: id, units: 200 })).rejects.toThrow();
    expect(inventory.failed).toEqual([{ productId: id, available: 205, version: 2, revision: 1 }]);
    await lane.run('restock', { productId: id, units: 1 });
    expect(inventory.failed).toHaveLength(1);
    expect(inventory.published).toEqual([{ productId: id, available: 6, version: 2, revision: 1 }]);
  });

  test('the versions that are published rise with the levels they belong to', async () => {
    const lanes = [inventory.openLane(), inventory.openLane()];
    const id = await inventory.addProduct(300);
    await Promise.all(Array.from({ length: 200 }, (_, n) => receive(lanes[n % 2]!, requested(request(id)))));
    const versions = new Map(inventory.published.map(({ version, available }) => [version, available]));
    expect(versions.size).toBe(inventory.published.length);
    const inOrder = [...versions].sort(([a], [b]) => a - b);
    expect(inOrder.map(([, available]) => available)).toEqual(
      inOrder.map(([, available]) => available).toSorted((a, b) => b - a),
    );
    expect(inOrder.at(-1)).toEqual([(await inventory.stockOf(id)).version, 100]);
  });

  test('whatever comes in whatever order, on either instance: units, holds and shoppers’ shares agree', async () => {
    const lanes = [inventory.openLane({ holdTtlMs: 3 }), inventory.openLane({ holdTtlMs: 3 })];
    const acts = fc.array(
      fc.record({
        act: fc.constantFrom('request', 'request', 'cancel', 'pay', 'expire', 'restock'),
        cart: fc.nat(9),
        lane: fc.nat(1),
      }),
      { minLength: 20, maxLength: 80 },
    );
    const carts = fc.array(
      fc.record({
        user: fc.nat(2),
        lines: fc.array(fc.record({ product: fc.nat(2), quantity: fc.integer({ min: 1, max: 3 }) }), {
          minLength: 1,
          maxLength: 3,
        }),
      }),
      { minLength: 10, maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(acts, carts, async (actSpecs, cartSpecs) => {
        const ids = await Promise.all([3, 10, 10].map((units, n) => inventory.addProduct(units, n ? 4 : null)));
        const users = [newId(), newId(), newId()];
        const wanted = cartSpecs.map(({ user, lines }) =>
          aRequest(
            lines.map(({ product, quantity }) => ({ productId: ids[product]!, quantity })),
            { userId: users[user]! },
          ),
        );
        const holdOf = async (data: Request) => (await due()).find((h) => h.reservationId === data.reservationId);
        await Promise.all(
          actSpecs.map(async ({ act, cart, lane: n }) => {
            const [lane, data] = [lanes[n]!, wanted[cart]!];
            if (act === 'request') await receive(lane, requested(data));
            else if (act === 'cancel') await receive(lane, cancelled(data));
            else if (act === 'pay') await receive(lane, paid(data));
            else if (act === 'restock') await lane.run('restock', { productId: data.items[0]!.productId, units: 1 });
            else {
              const hold = await holdOf(data);
              if (hold) await lane.run('expire', hold);
            }
          }),
        );
        expect(await inventory.contradictions()).toEqual([]);
      }),
      { numRuns: 8 },
    );
  });
});

describe('the schema holds the line by itself', () => {
  test('no update can oversell, or hold or sell less than nothing', async () => {
    const id = await inventory.addProduct(5);
    for (const change of ['held = 6', 'sold = 6', 'held = 3, sold = 3', 'held = -1', 'sold = -1', 'total = -1']) {
      await expect(inventory.rows(`UPDATE stock SET ${change} WHERE product_id = $1`, [id])).rejects.toMatchObject({
        constraint: 'never_oversold',
      });
    }
  });
});
