import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { audit } from '../test-kit/in-process/audit.ts';
import { startShop, type Shop, type Shopper } from '../test-kit/in-process/shop.ts';
import { outcomeOf, shopping } from '../test-kit/in-process/shopping.ts';

/* What one shopper may have unpaid, counted exactly by two instances of each service together. */

let shop: Shop;
let user: ReturnType<typeof shopping>;
beforeAll(async () => {
  shop = await startShop({ instances: 2, settings: { LEFT_TO_EXPIRE_MAX: '2' } });
  user = shopping(shop);
});
afterEach(() => audit(shop));
afterAll(() => shop?.close());

/** So many carts of one unit each are reserved at once. */
async function reserveAtOnce(shopper: Shopper, productIds: string[]) {
  const carts = await Promise.all(productIds.map((id) => user.aCart(shopper, [id, 1])));
  return Promise.all(carts.map((cartId) => user.reserve(shopper, cartId)));
}
type Answers = Awaited<ReturnType<typeof reserveAtOnce>>;
const details = (answers: Answers) =>
  answers.filter(({ status }) => status === 409).map(({ body }) => (body as unknown as { detail: string }).detail);
const held = (answers: Answers) => answers.filter(({ status }) => status === 201).map(({ body }) => body);

describe('open reservations', () => {
  test('are ten a shopper, at once and over all products; whoever pays or cancels may have more', async () => {
    const products = await Promise.all(Array.from({ length: 24 }, () => user.aProduct()));
    const shopper = shop.aShopper();
    const answers = await reserveAtOnce(shopper, products);
    expect(held(answers)).toHaveLength(10);
    expect(details(answers)).toEqual(Array<unknown>(14).fill(expect.stringMatching(/open reservations.*Pay for one/)));
    const [first, second] = held(answers);
    expect(outcomeOf(await user.pay(shopper, first!.orderId))).toEqual([201, 'ok']);
    expect(outcomeOf(await user.cancel(shopper, second!.id))).toEqual([200, 'ok']);
    await eventually(async () =>
      expect((await user.readReservation(shopper, first!.id)).body.status).toBe('completed'),
    );
    expect(held(await reserveAtOnce(shopper, products.slice(0, 4)))).toHaveLength(2);
    expect(held(await reserveAtOnce(shop.aShopper(), products.slice(0, 1)))).toHaveLength(1);
  });
});

describe('unpaid units of a product', () => {
  test('are ten a shopper, or 1 % of all where that is more, at once', async () => {
    for (const [stock, most] of [
      [100, 10],
      [400_000, 4_000],
    ] as const) {
      const product = await user.aProduct({ stock });
      const shopper = shop.aShopper();
      const sizes = Array.from({ length: 8 }, () => Math.ceil(most / 4));
      const carts = await Promise.all(sizes.map((size) => user.aCart(shopper, [product, Math.min(size, 1_000)])));
      const answers = await Promise.all(carts.map((cartId) => user.reserve(shopper, cartId)));
      const units = held(answers).reduce((sum, { items }) => sum + items[0]!.quantity, 0);
      expect([units <= most, units + Math.ceil(most / 4) > most]).toEqual([true, true]);
      expect(details(answers)).toEqual(
        Array<unknown>(8 - held(answers).length).fill(expect.stringMatching(/without having paid/)),
      );
    }
  });
});

describe('holds given back unpaid', () => {
  async function hold(shopper: Shopper, productId: string) {
    const answer = await user.reserve(shopper, await user.aCart(shopper, [productId, 1]));
    expect(outcomeOf(answer)).toEqual([201, 'ok']);
    return answer.body;
  }
  /** As if all that the shopper has reserved had been reserved so long ago. */
  const shift = ({ userId }: Shopper, by: string) =>
    shop.query(
      'reservation',
      `UPDATE reservations SET created_at = created_at - $2::interval, cancelled_at = cancelled_at - $2::interval,
                               expires_at = expires_at - $2::interval
        WHERE user_id = $1`,
      [userId, by],
    );

  async function expire(shopper: Shopper, productId: string, before?: (orderId: string) => Promise<unknown>) {
    const { id, orderId } = await hold(shopper, productId);
    await before?.(orderId);
    await shop.endHold(id);
    await eventually(async () => expect((await user.readReservation(shopper, id)).body.status).toBe('released'));
    // What the inventory made pass, the reservation has as it was promised.
    await shop.query('reservation', `UPDATE reservations SET expires_at = now() WHERE id = $1`, [id]);
  }
  async function aShopperAtTheBound(): Promise<{ shopper: Shopper; product: string }> {
    const [shopper, product] = [shop.aShopper(), await user.aProduct()];
    await expire(shopper, product);
    await expire(shopper, product);
    return { shopper, product };
  }
  async function cancelLate(shopper: Shopper, productId: string) {
    const { id } = await hold(shopper, productId);
    await shift(shopper, '119 seconds');
    expect(outcomeOf(await user.cancel(shopper, id))).toEqual([200, 'ok']);
  }
  const expectToWait = async (shopper: Shopper, productId: string) => {
    const [refused] = await reserveAtOnce(shopper, [productId]);
    expect(outcomeOf(refused!)).toEqual([409, 'limit-exceeded']);
    expect(details([refused!])[0]).toMatch(/left too many reservations to expire.*Retry-After/);
    const seconds = Number(refused!.headers.get('retry-after'));
    expect(seconds > 3_000 && seconds <= 3_600).toBe(true);
  };

  test('are two an hour here; then it is to wait as long as is said', async () => {
    const { shopper, product } = await aShopperAtTheBound();
    await expectToWait(shopper, product);
    await shift(shopper, '1 hour');
    expect(held(await reserveAtOnce(shopper, [product]))).toHaveLength(1);
  });

  test('count as well when they are cancelled just before they expire, and hardly when at once', async () => {
    const product = await user.aProduct();
    const [hoarder, undecided] = [shop.aShopper(), shop.aShopper()];
    for (let times = 0; times < 2; times += 1) await cancelLate(hoarder, product);
    await expectToWait(hoarder, product);
    for (let times = 0; times < 4; times += 1) {
      expect(outcomeOf(await user.cancel(undecided, (await hold(undecided, product)).id))).toEqual([200, 'ok']);
    }
    expect(held(await reserveAtOnce(undecided, [product]))).toHaveLength(1);
  });

  test('cannot be hidden behind many that were cancelled at once', async () => {
    const { shopper, product } = await aShopperAtTheBound();
    await shop.query(
      'reservation',
      `INSERT INTO reservations (id, order_id, user_id, cart_id, idempotency_key, status, reason, items, cancelled_at, expires_at)
       SELECT gen_random_uuid(), gen_random_uuid(), $1, gen_random_uuid(), 'k' || n, 'released', 'cancelled', '[]', now(),
              now() + interval '120 seconds' FROM generate_series(1, 19) n`,
      [shopper.userId],
    );
    const [refused] = await reserveAtOnce(shopper, [product]);
    expect(outcomeOf(refused!)).toEqual([409, 'limit-exceeded']);
    await shop.query('reservation', `DELETE FROM reservations WHERE user_id = $1 AND reason = 'cancelled'`, [
      shopper.userId,
    ]);
  });

  test('cannot be hidden behind any number that were refused', async () => {
    const { shopper, product } = await aShopperAtTheBound();
    await shop.query(
      'reservation',
      `INSERT INTO reservations (id, order_id, user_id, cart_id, idempotency_key, status, reason, items)
       SELECT id, gen_random_uuid(), $1, gen_random_uuid(), id::text, 'rejected', 'sold-out', '[]' FROM unnest($2::uuid[]) id`,
      [shopper.userId, Array.from({ length: 2_000 }, () => newId())],
    );
    await expectToWait(shopper, product);
    await shop.query('reservation', `DELETE FROM reservations WHERE user_id = $1 AND reason = 'sold-out'`, [
      shopper.userId,
    ]);
  });

  test('count half when their payment was tried', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const decline = (orderId: string) => user.pay(shopper, orderId, { method: 'tok_declined' });
    for (let times = 0; times < 4; times += 1) await expire(shopper, product, decline);
    await expectToWait(shopper, product);
  });
});

test('carts and reservations are limited by the minute, over both instances', async () => {
  const settings = { CART_LIMIT_PER_ACCOUNT: '8', RESERVATION_LIMIT_PER_ACCOUNT: '8', RATE_LIMIT_EXEMPT: '' };
  await shop.withSettings('reservation', settings, async () => {
    const [shopper, other] = [shop.aShopper(), shop.aShopper()];
    const cart = () => shop.call('POST', '/api/carts', { token: shopper.token });
    const answers = await Promise.all(Array.from({ length: 20 }, cart));
    const passed = answers.filter(({ status }) => status === 201).length;
    expect(passed).toBe(8);
    const refused = answers.find(({ status }) => status !== 201)!;
    expect(outcomeOf(refused)).toEqual([429, 'too-many-requests']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await shop.call('POST', '/api/carts', { token: other.token })).status).toBe(201);
    expect(outcomeOf(await user.reserve(shopper, shopper.userId))).toEqual([404, 'not-found']);
  });
  const byNetwork = { CART_LIMIT_PER_ADDRESS: '4', ADDRESSES_PER_NETWORK: '2', RATE_LIMIT_EXEMPT: '' };
  await shop.withSettings('reservation', byNetwork, async () => {
    // One customer, who has a network of IPv6 and takes a new address, and a new account, each time.
    const cartFrom = (address: string) =>
      shop.call('POST', '/api/carts', { token: shop.aShopper().token, headers: { 'x-forwarded-for': address } });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => cartFrom(`2001:db8:1:${n}::1`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(8);
    expect((await cartFrom('2001:db8:2::1')).status).toBe(201);
    expect((await cartFrom('203.0.113.1')).status).toBe(201);
  });
  const exempt = { ...settings, RATE_LIMIT_EXEMPT: '127.0.0.0/8,::1/128' };
  await shop.withSettings('reservation', exempt, async () => {
    const { token } = shop.aShopper();
    const answers = await Promise.all(Array.from({ length: 20 }, () => shop.call('POST', '/api/carts', { token })));
    expect(answers.every(({ status }) => status === 201)).toBe(true);
  });
});
