import { describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { shop, user } from '../../../test-kit/in-process/audited-shop.ts';
import { outcomeOf } from '../../../test-kit/in-process/shopping.ts';

const reservationsOf = (userId: string) =>
  shop.query<{ id: string; status: string }>('reservation', 'SELECT id, status FROM reservations WHERE user_id = $1', [
    userId,
  ]);

describe('carts', () => {
  test('are made empty, with or without a body', async () => {
    const { token } = shop.aShopper();
    for (const body of [undefined, {}]) {
      const made = await shop.call<{ id: string }>('POST', '/api/carts', { token, body });
      expect(made.status).toBe(201);
      expect(made.body).toMatchObject({ items: [] });
      expect(made.headers.get('location')).toBe(`/api/carts/${made.body.id}`);
    }
  });

  test('keep one line a product, whoever adds at once', async () => {
    const [product, other] = [await user.aProduct(), await user.aProduct()];
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [other, 1]);
    await Promise.all(Array.from({ length: 20 }, () => user.addToCart(shopper, cartId, product, 2)));
    const { body } = await user.readCart(shopper, cartId);
    expect(body).toEqual({
      id: cartId,
      items: [
        { productId: other, quantity: 1 },
        { productId: product, quantity: 40 },
      ],
    });
  });

  test('lose a line, or one that is not there', async () => {
    const [product, other] = [await user.aProduct(), await user.aProduct()];
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 2], [other, 1]);
    for (const productId of [product, newId()]) {
      const path = `/api/carts/${cartId}/items/${productId}`;
      const answer = await shop.call('DELETE', path, { token: shopper.token });
      expect([answer.status, answer.body]).toEqual([200, { id: cartId, items: [{ productId: other, quantity: 1 }] }]);
    }
  });

  test('take no product that does not exist, once Redis knows them all', async () => {
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper);
    await eventually(async () => {
      expect(outcomeOf(await user.addToCart(shopper, cartId, newId()))).toEqual([404, 'not-found']);
    });
  });

  test('hold 20 products and 1,000 units of each', async () => {
    const products = await Promise.all(Array.from({ length: 21 }, () => user.aProduct()));
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, ...products.slice(0, 20).map((id): [string, number] => [id, 1_000]));
    expect(outcomeOf(await user.addToCart(shopper, cartId, products[20]!))).toEqual([409, 'cart-full']);
    expect(outcomeOf(await user.addToCart(shopper, cartId, products[0]!))).toEqual([409, 'cart-full']);
    expect((await user.readCart(shopper, cartId)).body.items).toHaveLength(20);
  });
});

describe('what is refused before anything happens', () => {
  const key = () => ({ 'idempotency-key': newId() });

  test.each<[string, string, string, unknown]>([
    ['an unknown field of a cart', 'POST', '/api/carts', { items: [] }],
    ['a list', 'POST', '/api/carts', []],
    ['an unknown field of a line', 'POST', '/api/carts/:cart/items', { productId: newId(), quantity: 1, price: 0 }],
    ['no units', 'POST', '/api/carts/:cart/items', { productId: newId(), quantity: 0 }],
    ['units below zero', 'POST', '/api/carts/:cart/items', { productId: newId(), quantity: -1 }],
    ['half a unit', 'POST', '/api/carts/:cart/items', { productId: newId(), quantity: 0.5 }],
    ['too many units', 'POST', '/api/carts/:cart/items', { productId: newId(), quantity: 1_001 }],
    ['a product that is no id', 'POST', '/api/carts/:cart/items', { productId: '1; DROP TABLE', quantity: 1 }],
    ['an unknown field of a reservation', 'POST', '/api/reservations', { cartId: newId(), userId: newId() }],
    ['a cart that is no id', 'POST', '/api/reservations', { cartId: 'mine' }],
    ['no cart', 'POST', '/api/reservations', {}],
  ])('%s: 422', async (_what, method, path, body) => {
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper);
    const sent = { body, token: shopper.token, headers: key() };
    const answer = await shop.call<{ errors?: unknown[] }>(method, path.replace(':cart', cartId), sent);
    expect(outcomeOf(answer)).toEqual([422, 'invalid-input']);
    expect(answer.body.errors!.length).toBeGreaterThan(0);
    expect(await reservationsOf(shopper.userId)).toEqual([]);
  });

  test('malformed JSON: 400', async () => {
    const { token } = shop.aShopper();
    const answer = await shop.call('POST', '/api/reservations', { body: '{"cartId": ', token, headers: key() });
    expect(outcomeOf(answer)).toEqual([400, 'malformed-json']);
  });

  test('no key: 400; a key that is none: 422', async () => {
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [await user.aProduct(), 1]);
    const send = (headers: Record<string, string>) =>
      shop.call('POST', '/api/reservations', { body: { cartId }, token: shopper.token, headers });
    expect(outcomeOf(await send({}))).toEqual([400, 'idempotency-key-required']);
    expect(outcomeOf(await send({ 'idempotency-key': '' }))).toEqual([400, 'idempotency-key-required']);
    expect(outcomeOf(await send({ 'idempotency-key': 'a b' }))).toEqual([422, 'invalid-input']);
    expect(outcomeOf(await send({ 'idempotency-key': 'k'.repeat(256) }))).toEqual([422, 'invalid-input']);
    expect(await reservationsOf(shopper.userId)).toEqual([]);
    expect(outcomeOf(await send({ 'idempotency-key': 'k'.repeat(255), prefer: 'wait=10' }))).toEqual([201, 'ok']);
  });

  test('nobody without a token: 401', async () => {
    for (const [method, path] of [
      ['POST', '/api/carts'],
      ['POST', '/api/reservations'],
      ['GET', `/api/reservations/${newId()}`],
      ['DELETE', `/api/reservations/${newId()}`],
    ] as const) {
      expect(outcomeOf(await shop.call(method, path))).toEqual([401, 'unauthenticated']);
      expect(outcomeOf(await shop.call(method, path, { token: 'nonsense' }))).toEqual([401, 'unauthenticated']);
    }
  });
});

describe("somebody else's", () => {
  test('cart and reservation are not there, and nothing happens to them', async () => {
    const product = await user.aProduct();
    const { shopper: owner, reservation } = await user.aHold(product, 2);
    const cartId = await user.aCart(owner, [product, 1]);
    const { token, ...thief } = shop.aShopper();
    const headers = { 'idempotency-key': newId() };
    const sends: [string, string, unknown?][] = [
      ['GET', `/api/carts/${cartId}`],
      ['POST', `/api/carts/${cartId}/items`, { productId: product, quantity: 1 }],
      ['DELETE', `/api/carts/${cartId}/items/${product}`],
      ['POST', '/api/reservations', { cartId }],
      ['GET', `/api/reservations/${reservation.id}`],
      ['DELETE', `/api/reservations/${reservation.id}`],
    ];
    for (const [method, path, body] of sends) {
      expect(outcomeOf(await shop.call(method, path, { body, token, headers }))).toEqual([404, 'not-found']);
    }
    expect(await reservationsOf(thief.userId)).toEqual([]);
    expect((await user.readCart(owner, cartId)).body.items).toEqual([{ productId: product, quantity: 1 }]);
    expect((await user.readReservation(owner, reservation.id)).body.status).toBe('held');
    await user.untilAvailable(product, 3);
  });

  test.each(['1', 'not-an-id', `${newId()}0`, '%00', "'; DROP TABLE carts; --", '..%2f..%2fadmin'])(
    'a malformed id, %j, names nothing',
    async (id) => {
      const { token } = shop.aShopper();
      for (const path of [`/api/carts/${id}`, `/api/reservations/${id}`]) {
        expect(outcomeOf(await shop.call('GET', path, { token }))).toEqual([404, 'not-found']);
      }
      expect(outcomeOf(await shop.call('DELETE', `/api/reservations/${id}`, { token }))).toEqual([404, 'not-found']);
    },
  );

  test('an id that nobody made names nothing', async () => {
    const shopper = shop.aShopper();
    expect(outcomeOf(await user.readCart(shopper, newId()))).toEqual([404, 'not-found']);
    expect(outcomeOf(await user.readReservation(shopper, newId(), 1))).toEqual([404, 'not-found']);
    expect(outcomeOf(await user.cancel(shopper, newId()))).toEqual([404, 'not-found']);
    expect(outcomeOf(await user.reserve(shopper, newId()))).toEqual([404, 'not-found']);
  });
});

describe('refusals', () => {
  test('sold out means fewer units left than asked for', async () => {
    const product = await user.aProduct({ stock: 3 });
    await user.aHold(product, 2);
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 2]);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([409, 'sold-out']);
    await user.untilAvailable(product, 1);
    // The one that is left can be had, by the same cart once it asks for less.
    await shop.call('DELETE', `/api/carts/${cartId}/items/${product}`, { token: shopper.token });
    await user.addToCart(shopper, cartId, product, 1);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([201, 'ok']);
  });

  test('sold out without Redis as well: PostgreSQL decides', async () => {
    const product = await user.aProduct({ stock: 2 });
    await shop.redis.stop();
    try {
      const carts = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const shopper = shop.aShopper();
          return { shopper, cartId: await user.aCart(shopper, [product, 1]) };
        }),
      );
      const answers = await Promise.all(carts.map(({ shopper, cartId }) => user.reserve(shopper, cartId)));
      expect(answers.map((answer) => outcomeOf(answer).join(' ')).sort()).toEqual([
        '201 ok',
        '201 ok',
        ...Array<string>(4).fill('409 sold-out'),
      ]);
    } finally {
      await shop.redis.start();
    }
    // It comes back empty, and is told what is left rather than what there was.
    await user.untilAvailable(product, 0);
  });

  test('two lines of one product cannot be smuggled past the stock', async () => {
    const product = await user.aProduct({ stock: 3 });
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 2], [product, 2]);
    expect((await user.readCart(shopper, cartId)).body.items).toEqual([{ productId: product, quantity: 4 }]);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([409, 'sold-out']);
    await user.untilAvailable(product, 3);
  });

  test('nobody gets more than the limit, over all carts and at once', async () => {
    const product = await user.aProduct({ stock: 20, limitPerUser: 3 });
    const shopper = shop.aShopper();
    const carts = await Promise.all(Array.from({ length: 5 }, () => user.aCart(shopper, [product, 1])));
    const answers = await Promise.all(carts.map((cartId) => user.reserve(shopper, cartId)));
    expect(answers.map((answer) => outcomeOf(answer).join(' ')).sort()).toEqual([
      ...Array<string>(3).fill('201 ok'),
      ...Array<string>(2).fill('409 limit-exceeded'),
    ]);
    // What is given back may be had again.
    await user.cancel(shopper, answers.find(({ status }) => status === 201)!.body.id);
    expect(outcomeOf(await user.reserve(shopper, await user.aCart(shopper, [product, 1])))).toEqual([201, 'ok']);
    await user.untilAvailable(product, 17);
  });

  test.each([
    ['not begun', { saleStartsAt: '2999-01-01T00:00:00Z' }],
    ['ended', { saleEndsAt: '2001-01-01T00:00:00Z' }],
  ])('a sale that has %s is closed', async (_what, sale) => {
    const product = await user.aProduct(sale);
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 1]);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([409, 'sale-closed']);
    await user.untilAvailable(product, 5);
  });

  test('an empty cart, and one that is reserved', async () => {
    const shopper = shop.aShopper();
    expect(outcomeOf(await user.reserve(shopper, await user.aCart(shopper)))).toEqual([409, 'cart-empty']);
    const cartId = await user.aCart(shopper, [await user.aProduct(), 1]);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([201, 'ok']);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([409, 'cart-reserved']);
  });

  test('mixed currencies', async () => {
    const [euro, dollar] = [await user.aProduct(), await user.aProduct({ currency: 'USD' })];
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [euro, 1], [dollar, 1]);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([409, 'mixed-currencies']);
    await user.untilAvailable(euro, 5);
    await user.untilAvailable(dollar, 5);
  });

  test('are kept: the same key gets the same refusal, even when there would be stock by now', async () => {
    const product = await user.aProduct({ stock: 5, limitPerUser: 1 });
    const shopper = shop.aShopper();
    const first = await user.aCart(shopper, [product, 1]);
    const held = await user.reserve(shopper, first);
    const cartId = await user.aCart(shopper, [product, 1]);
    const key = newId();
    expect(outcomeOf(await user.reserve(shopper, cartId, { key }))).toEqual([409, 'limit-exceeded']);
    await user.cancel(shopper, held.body.id);
    expect(outcomeOf(await user.reserve(shopper, cartId, { key }))).toEqual([409, 'limit-exceeded']);
    expect(outcomeOf(await user.reserve(shopper, cartId))).toEqual([201, 'ok']);
  });
});

describe('an Idempotency-Key', () => {
  test('sent again gets the first answer again', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 2]);
    const key = newId();
    const first = await user.reserve(shopper, cartId, { key });
    const again = await user.reserve(shopper, cartId, { key });
    expect([again.status, again.body]).toEqual([201, first.body]);
    await user.untilAvailable(product, 3);
  });

  test('sent many times at once makes one reservation, and each caller hears of it', async () => {
    // One unit: whoever is second must not be told that it is sold out.
    const product = await user.aProduct({ stock: 1 });
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 1]);
    const key = newId();
    const answers = await Promise.all(Array.from({ length: 12 }, () => user.reserve(shopper, cartId, { key })));
    expect(answers.map((answer) => outcomeOf(answer).join(' '))).toEqual(Array(12).fill('201 ok'));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await reservationsOf(shopper.userId)).toHaveLength(1);
    await user.untilAvailable(product, 0);
  });

  test('for another cart is refused', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const [first, second] = [await user.aCart(shopper, [product, 1]), await user.aCart(shopper, [product, 1])];
    const key = newId();
    await user.reserve(shopper, first, { key });
    expect(outcomeOf(await user.reserve(shopper, second, { key }))).toEqual([422, 'idempotency-key-reused']);
    await user.untilAvailable(product, 4);
  });

  test('of another shopper is another key', async () => {
    const product = await user.aProduct();
    const key = newId();
    const ids = await Promise.all(
      [shop.aShopper(), shop.aShopper()].map(async (shopper) => {
        const answer = await user.reserve(shopper, await user.aCart(shopper, [product, 1]), { key });
        return answer.body.id;
      }),
    );
    expect(new Set(ids).size).toBe(2);
    await user.untilAvailable(product, 3);
  });

  test('many keys for one cart at once: it is reserved once', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 1]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => user.reserve(shopper, cartId)));
    expect(answers.map((answer) => outcomeOf(answer).join(' ')).sort()).toEqual([
      '201 ok',
      ...Array<string>(7).fill('409 cart-reserved'),
    ]);
    await user.untilAvailable(product, 4);
  });
});

describe('while the inventory is away', () => {
  test('a reservation is accepted and pending, can be waited for, and is settled when it is back', async () => {
    const product = await user.aProduct();
    const [one, two] = [shop.aShopper(), shop.aShopper()];
    const [first, second] = [await user.aCart(one, [product, 2]), await user.aCart(two, [product, 9])];
    // The gate would turn the second away; what Redis has forgotten passes it.
    await shop.stop('inventory');
    await shop.redis.stop();
    await shop.redis.start();

    const key = newId();
    const accepted = await user.reserve(one, first, { key, wait: 0 });
    expect(outcomeOf(accepted)).toEqual([202, 'ok']);
    expect(accepted.headers.get('location')).toBe(`/api/reservations/${accepted.body.id}`);
    expect(accepted.body).toMatchObject({
      status: 'pending',
      totalCents: null,
      currency: null,
      expiresAt: null,
      items: [{ productId: product, quantity: 2 }],
    });
    const again = await user.reserve(one, first, { key, wait: 0 });
    expect([again.status, again.body]).toEqual([202, accepted.body]);
    expect(outcomeOf(await user.addToCart(one, first, product))).toEqual([409, 'cart-reserved']);

    const startedAt = performance.now();
    const refusedLater = await user.reserve(two, second, { wait: 1 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
    expect(outcomeOf(refusedLater)).toEqual([202, 'ok']);

    const waiting = user.readReservation(one, accepted.body.id, 20);
    await shop.start('inventory');
    expect((await waiting).body).toMatchObject({ id: accepted.body.id, status: 'held', totalCents: 9_800 });
    expect((await user.readReservation(two, refusedLater.body.id, 20)).body).toMatchObject({
      status: 'rejected',
      reason: 'sold-out',
    });
    expect(outcomeOf(await user.reserve(one, first, { key }))).toEqual([201, 'ok']);
    await user.untilAvailable(product, 3);
  });

  test('it can be cancelled before it was decided, and takes no units', async () => {
    const product = await user.aProduct();
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [product, 2]);
    const { body } = await shop.without('inventory', async () => {
      const pending = await user.reserve(shopper, cartId, { wait: 0 });
      const cancelled = await user.cancel(shopper, pending.body.id, 0);
      expect(outcomeOf(cancelled)).toEqual([202, 'ok']);
      expect(cancelled.headers.get('location')).toBe(`/api/reservations/${pending.body.id}`);
      expect(cancelled.body.status).toBe('pending');
      return pending;
    });
    await eventually(async () => {
      expect((await user.readReservation(shopper, body.id)).body.status).toBe('released');
    });
    await user.untilAvailable(product, 5);
  });
});

describe('a service that stops', () => {
  /** A shopper waits for a reservation that the inventory cannot decide yet, at a service that has begun to stop. */
  const whenItStops = (drainTimeoutMs: number, work: (waiting: ReturnType<typeof user.reserve>) => Promise<void>) =>
    shop.withSettings('reservation', { DRAIN_TIMEOUT_MS: `${drainTimeoutMs}` }, async () => {
      const shopper = shop.aShopper();
      const cartId = await user.aCart(shopper, [await user.aProduct(), 1]);
      await shop.stop('inventory');
      const waiting = user.reserve(shopper, cartId, { wait: 20 });
      await eventually(async () => expect(await reservationsOf(shopper.userId)).toHaveLength(1));
      const stopped = shop.stop('reservation');
      await work(waiting);
      await stopped;
    });

  test('still tells an outcome that comes soon', async () => {
    await whenItStops(60_000, async (waiting) => {
      await shop.start('inventory');
      const answer = await waiting;
      expect([answer.status, answer.body.status]).toEqual([201, 'held']);
    });
  });

  test('tells before its deadline how things stand', async () => {
    await whenItStops(1_000, async (waiting) => {
      const answer = await waiting;
      await shop.start('inventory');
      expect([answer.status, answer.body.status]).toEqual([202, 'pending']);
    });
  });
});

describe('Prefer', () => {
  const headers: [string, number][] = [
    ['wait=2', 2],
    ['respond-async, wait=2', 2],
    ['wait="2"; foo=bar', 2],
    ['WAIT = 2', 2],
    ['wait=0', 0],
    ['wait=-5', 0],
    ['wait=soon', 0],
    ['await=2', 0],
    ['nothing at all', 0],
  ];

  test('wait=N waits N seconds for what is pending, anything else not at all', async () => {
    const shopper = shop.aShopper();
    const cartId = await user.aCart(shopper, [await user.aProduct(), 1]);
    const { body, waited } = await shop.without('inventory', async () => {
      const { body } = await user.reserve(shopper, cartId, { wait: 0 });
      const waited = await Promise.all(
        headers.map(async ([prefer]) => {
          const startedAt = performance.now();
          const sent = { token: shopper.token, headers: { prefer } };
          const answer = await shop.call('GET', `/api/reservations/${body.id}`, sent);
          expect([answer.status, answer.body['status']]).toEqual([200, 'pending']);
          return [prefer, performance.now() - startedAt > 1_990 ? 2 : 0];
        }),
      );
      return { body, waited };
    });
    expect(waited).toEqual(headers);
    expect((await user.readReservation(shopper, body.id, 20)).body.status).toBe('held');
  });
});
