import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { product as productSchema, productPage, problem, restocked } from '@flash-sale/contract/api/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import type { z } from 'zod';
import { about, aRequest } from './testing/builders.ts';
import { startInventory, startServers, type RunningInventory, type Servers } from './testing/running.ts';

type Product = z.output<typeof productSchema>;
type Page = z.output<typeof productPage>;
type Problem = z.output<typeof problem>;

let servers: Servers;
let inventory: RunningInventory;
let admin: string;

beforeAll(async () => {
  servers = await startServers();
  inventory = await startInventory(servers);
  admin = inventory.tokenOf('admin');
});
afterAll(async () => {
  await inventory.stop();
  await servers.close();
});
beforeEach(() => servers.rows('TRUNCATE products, stock, holds, buyer_units, inbox, outbox'));

const newProduct = { name: 'Comet sneakers', priceCents: 4_900, currency: 'EUR', stock: 10 };
const create = async (overrides: Record<string, unknown> = {}): Promise<Product> => {
  const answer = await inventory.call<Product>('POST', '/api/products', {
    body: { ...newProduct, ...overrides },
    token: admin,
  });
  expect(answer.status).toBe(201);
  return answer.body;
};
const get = (id: string, headers: Record<string, string> = {}) =>
  inventory.call<Product>('GET', `/api/products/${id}`, { headers });
const availableOf = async (id: string) => (await get(id)).body.available;

describe('creating a product', () => {
  test('answers with the product and where it is', async () => {
    const answer = await inventory.call<Product>('POST', '/api/products', {
      body: {
        ...newProduct,
        limitPerUser: 2,
        saleStartsAt: '2030-06-01T14:00:00+02:00',
        saleEndsAt: '2030-06-01T13:00:00Z',
      },
      token: admin,
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`/api/products/${answer.body.id}`);
    expect(productSchema.parse(answer.body)).toEqual({
      id: answer.body.id,
      name: 'Comet sneakers',
      priceCents: 4_900,
      currency: 'EUR',
      available: 10,
      limitPerUser: 2,
      listed: true,
      saleStartsAt: '2030-06-01T12:00:00.000Z',
      saleEndsAt: '2030-06-01T13:00:00.000Z',
    });
    expect((await get(answer.body.id)).body).toEqual(answer.body);
  });

  test('what need not be given is null', async () => {
    expect(await create()).toMatchObject({ limitPerUser: null, saleStartsAt: null, saleEndsAt: null });
  });

  test('a product without units may be announced', async () => {
    const { id } = await create({ stock: 0 });
    expect(await availableOf(id)).toBe(0);
  });

  const reachable = [
    ['POST', '/api/products', newProduct],
    ['POST', `/api/products/${newId()}/restock`, { quantity: 1 }],
    ['PATCH', `/api/products/${newId()}`, { priceCents: 1 }],
  ] as const;
  test.each(reachable)('%s %s is for admins', async (method, path, body) => {
    const anonymous = await inventory.call<Problem>(method, path, { body });
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer');
    expect(anonymous.headers.get('content-type')).toContain('application/problem+json');
    expect(problem.parse(anonymous.body)).toMatchObject({ type: '/problems/unauthenticated', status: 401 });

    const forged = await inventory.call<Problem>(method, path, { body, token: `${inventory.tokenOf('admin')}x` });
    expect(forged.status).toBe(401);
    const shopper = await inventory.call<Problem>(method, path, { body, token: inventory.tokenOf('shopper') });
    expect([shopper.status, shopper.body.type]).toEqual([403, '/problems/forbidden']);
    expect(await servers.rows('SELECT FROM products')).toEqual([]);
  });

  test.each([
    ['an unknown field', { colour: 'red' }, 'colour'],
    ['an id of one’s own', { id: newId() }, 'id'],
    ['no name', { name: ' ' }, 'name'],
    ['a name that is too long', { name: 'x'.repeat(201) }, 'name'],
    ['a negative price', { priceCents: -1 }, 'priceCents'],
    ['half a cent', { priceCents: 0.5 }, 'priceCents'],
    ['a price beyond reason', { priceCents: 100_000_001 }, 'priceCents'],
    ['a price as text', { priceCents: '4900' }, 'priceCents'],
    ['a currency in words', { currency: 'euro' }, 'currency'],
    ['a negative stock', { stock: -1 }, 'stock'],
    ['an absurd stock', { stock: 1e300 }, 'stock'],
    ['more stock than a thousand million', { stock: 1_000_000_001 }, 'stock'],
    ['a limit of none', { limitPerUser: 0 }, 'limitPerUser'],
    ['a time that is none', { saleStartsAt: 'tomorrow' }, 'saleStartsAt'],
    ['a time that UTC cannot tell in four digits', { saleStartsAt: '9999-12-31T23:59:59-12:00' }, 'saleStartsAt'],
  ])('%s is refused with 422, and its field named', async (_what, wrong, field) => {
    const answer = await inventory.call<Problem>('POST', '/api/products', {
      body: { ...newProduct, ...wrong },
      token: admin,
    });
    expect([answer.status, answer.body.type]).toEqual([422, '/problems/invalid-input']);
    const { errors } = problem.parse(answer.body);
    expect(errors!.some(({ path, message }) => path === field || message.includes(`"${field}"`))).toBe(true);
    expect(await servers.rows('SELECT FROM products')).toEqual([]);
  });

  test('an end before its start conflicts with it', async () => {
    const wrong = { saleStartsAt: '2030-01-02T00:00:00Z', saleEndsAt: '2030-01-01T00:00:00Z' };
    const body = { ...newProduct, ...wrong };
    const answer = await inventory.call<Problem>('POST', '/api/products', { body, token: admin });
    expect([answer.status, answer.body.type]).toEqual([409, '/problems/product-conflict']);
    expect(problem.parse(answer.body).errors!.map(({ path }) => path)).toEqual(['saleEndsAt']);
    expect(await servers.rows('SELECT FROM products')).toEqual([]);
  });

  test('all that is wrong is told at once', async () => {
    const answer = await inventory.call<Problem>('POST', '/api/products', { body: {}, token: admin });
    expect(answer.body.errors!.map(({ path }) => path).sort()).toEqual(['currency', 'name', 'priceCents', 'stock']);
  });

  test('what is no JSON, no JSON type or too large has its own answer', async () => {
    const post = (body: string, headers: Record<string, string> = {}) =>
      inventory.call<Problem>('POST', '/api/products', { body, token: admin, headers });
    expect(await post('{"name":')).toMatchObject({ status: 400, body: { type: '/problems/malformed-json' } });
    expect(await post('"text"')).toMatchObject({ status: 400 });
    expect(await post('name=x', { 'content-type': 'text/plain' })).toMatchObject({
      status: 415,
      body: { type: '/problems/unsupported-media-type' },
    });
    expect(await post(JSON.stringify({ name: 'x'.repeat(102_400) }))).toMatchObject({
      status: 413,
      body: { type: '/problems/payload-too-large' },
    });
  });
});

describe('one product', () => {
  test.each(['none', '1', newId().slice(0, -1), `${newId()}0`, '%27%20OR%201', '..%2f'])(
    '%s is not there',
    async (id) => {
      const answer = await inventory.call<Problem>('GET', `/api/products/${id}`);
      expect([answer.status, answer.body.type]).toEqual([404, '/problems/not-found']);
    },
  );

  test('an id of nothing is not there either', async () => {
    expect((await get(newId())).status).toBe(404);
  });

  test('an id in capitals is the same id', async () => {
    const { id } = await create();
    expect(await get(id.toUpperCase())).toMatchObject({ status: 200, body: { id } });
  });

  test('who has the current version is told so; a change makes a new one', async () => {
    const { id } = await create();
    const first = await get(id);
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^"\d+"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(id, { 'if-none-match': known });
      expect([again.status, again.headers.get('etag'), again.body]).toEqual([304, etag, undefined]);
    }
    expect((await get(id, { 'if-none-match': '"other"' })).status).toBe(200);

    await inventory.call('POST', `/api/products/${id}/restock`, { body: { quantity: 1 }, token: admin });
    await eventually(async () => {
      const changed = await get(id, { 'if-none-match': etag });
      expect(changed).toMatchObject({ status: 200, body: { available: 11 } });
      expect(changed.headers.get('etag')).not.toBe(etag);
    });
  });
});

describe('the list', () => {
  const page = (query = '') => inventory.call<Page>('GET', `/api/products${query}`);

  test('is empty where nothing is', async () => {
    expect(await page()).toMatchObject({ status: 200, body: { items: [], nextCursor: null } });
  });

  test('shows every product once, in pages that follow each other', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.push((await create({ name: `Product ${n}`, stock: n })).id);
    const seen: Product[] = [];
    const sizes: number[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { status, body }: { status: number; body: Page } = await page(`?limit=3${cursor && `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      productPage.parse(body);
      seen.push(...body.items);
      sizes.push(body.items.length);
      cursor = body.nextCursor;
    }
    expect(sizes).toEqual([3, 3, 1]);
    expect(seen.map(({ id, available }) => [id, available])).toEqual(ids.map((id, n) => [id, n]));
  });

  test('a page that ends with the last product has no next', async () => {
    for (let n = 0; n < 3; n += 1) await create();
    expect((await page('?limit=3')).body).toMatchObject({ nextCursor: null });
  });

  test('products added meanwhile do not shift the pages', async () => {
    const first = await create();
    await create();
    const { body } = await page('?limit=1');
    expect(body.items.map(({ id }) => id)).toEqual([first.id]);
    const added = await create();
    const rest = await page(`?cursor=${body.nextCursor}`);
    expect(rest.body.items.map(({ id }) => id)).not.toContain(first.id);
    expect(rest.body.items.at(-1)!.id).toBe(added.id);
  });

  test.each(['limit=0', 'limit=101', 'limit=-1', 'limit=1.5', 'limit=all', 'limit=1&limit=2', 'cursor=1', 'offset=3'])(
    '?%s is refused',
    async (query) => {
      expect((await page(`?${query}`)).status).toBe(422);
    },
  );

  test('nobody may keep it without asking again', async () => {
    const { id } = await create();
    expect((await page()).headers.get('cache-control')).toBe('no-cache');
    expect((await get(id)).headers.get('cache-control')).toBe('no-cache');
  });
});

describe('restocking', () => {
  const restock = (id: string, body: unknown) =>
    inventory.call<Problem & { available: number }>('POST', `/api/products/${id}/restock`, { body, token: admin });

  test('adds units', async () => {
    const { id } = await create();
    const answer = await restock(id, { quantity: 5 });
    expect([answer.status, restocked.parse(answer.body)]).toEqual([200, { available: 15 }]);
    await eventually(async () => expect(await availableOf(id)).toBe(15));
  });

  test('many at once are all counted', async () => {
    const { id } = await create({ stock: 0 });
    await Promise.all(Array.from({ length: 50 }, () => restock(id, { quantity: 2 })));
    await eventually(async () => expect(await availableOf(id)).toBe(100));
  });

  test.each([{ quantity: 0 }, { quantity: -5 }, { quantity: 1.5 }, { quantity: 1e12 }, {}, { quantity: 1, sku: 'x' }])(
    '%j is refused',
    async (body) => {
      const { id } = await create();
      expect((await restock(id, body)).status).toBe(422);
      expect(await availableOf(id)).toBe(10);
    },
  );

  test('beyond a thousand million in all is refused', async () => {
    const { id } = await create({ stock: 999_999_999 });
    const answer = await restock(id, { quantity: 2 });
    expect([answer.status, answer.body.errors?.map(({ path }) => path)]).toEqual([409, ['quantity']]);
    expect((await restock(id, { quantity: 1 })).body.available).toBe(1_000_000_000);
  });

  test.each([newId(), 'nonsense'])('%s cannot be restocked', async (id) => {
    expect((await restock(id, { quantity: 1 })).status).toBe(404);
  });
});

const requested = (productId: string, quantity: number) => {
  const data = aRequest([{ productId, quantity }]);
  return { data, event: anEvent('reservation.requested', data) };
};

describe('changing a product', () => {
  const change = (id: string, body: unknown) =>
    inventory.call<Product & Problem>('PATCH', `/api/products/${id}`, { body, token: admin });
  const hours = { saleStartsAt: '2030-01-01T10:00:00.000Z', saleEndsAt: '2030-01-01T12:00:00.000Z' };

  test('what is named is changed, the rest stays', async () => {
    const product = await create({ ...hours, limitPerUser: 2 });
    const named = {
      name: 'Comet sneakers II',
      priceCents: 5_900,
      limitPerUser: 3,
      saleEndsAt: '2030-01-01T13:00:00.000Z',
    };
    const answer = await change(product.id, named);
    expect([answer.status, productSchema.parse(answer.body)]).toEqual([200, { ...product, ...named }]);
    expect((await get(product.id)).body).toEqual(answer.body);
    expect((await inventory.call<Page>('GET', '/api/products')).body.items).toEqual([answer.body]);
  });

  test('null takes away a limit and the hours of a sale', async () => {
    const { id } = await create({ ...hours, limitPerUser: 2 });
    const none = { limitPerUser: null, saleStartsAt: null, saleEndsAt: null };
    expect(await change(id, none)).toMatchObject({ status: 200, body: none });
  });

  test('is seen by whoever has an earlier version, on the other instance too', async () => {
    const { id } = await create();
    const other = await startInventory(servers);
    try {
      const seen = (headers = {}) => other.call<Product>('GET', `/api/products/${id}`, { headers });
      const known = { 'if-none-match': (await seen()).headers.get('etag')! };
      expect((await seen(known)).status).toBe(304);
      await change(id, { priceCents: 1 });
      await eventually(async () => expect(await seen(known)).toMatchObject({ status: 200, body: { priceCents: 1 } }));
    } finally {
      await other.stop();
    }
  });

  test('holds keep the price that they were told; the next one has the new', async () => {
    const { id } = await create();
    const [before, after] = [requested(id, 2), requested(id, 2)];
    await inventory.receive(before.event);
    await change(id, { priceCents: 1, name: 'Sale' });
    await inventory.receive(before.event, after.event);
    const told = (data: { reservationId: string }) =>
      inventory.reservation.handled.flatMap((e) =>
        e.type === 'stock.held' && e.data.reservationId === data.reservationId ? [e.data] : [],
      );
    expect(told(before.data)).toMatchObject([{ totalCents: 9_800, items: [{ unitPriceCents: 4_900 }] }]);
    expect(told(after.data)).toMatchObject([{ totalCents: 2, items: [{ unitPriceCents: 1, name: 'Sale' }] }]);
  });

  test.each([
    ['nothing', {}, ''],
    ['an unknown field', { colour: 'red' }, '"colour"'],
    ['the currency', { currency: 'USD' }, '"currency"'],
    ['the stock', { stock: 5 }, '"stock"'],
    ['no name', { name: null }, 'name'],
    ['an empty name', { name: ' ' }, 'name'],
    ['a negative price', { priceCents: -1 }, 'priceCents'],
    ['a limit of none', { limitPerUser: 0 }, 'limitPerUser'],
  ])('%s is refused with 422', async (_what, body, field) => {
    const product = await create(hours);
    const answer = await change(product.id, body);
    expect([answer.status, answer.body.type]).toEqual([422, '/problems/invalid-input']);
    expect(answer.body.errors!.some(({ path, message }) => path === field || message.includes(field))).toBe(true);
    expect((await get(product.id)).body).toEqual(product);
  });

  test.each([
    ['an end before the start that it has', { saleEndsAt: '2030-01-01T10:00:00Z' }],
    ['a start after the end that it has', { saleStartsAt: '2030-01-01T12:00:00Z' }],
  ])('%s conflicts with the product', async (_what, body) => {
    const product = await create(hours);
    const answer = await change(product.id, body);
    expect([answer.status, answer.body.type]).toEqual([409, '/problems/product-conflict']);
    expect(answer.body.errors!.map(({ path }) => path)).toEqual(['saleEndsAt']);
    expect((await get(product.id)).body).toEqual(product);
  });

  test.each([newId(), 'nonsense'])('%s is not there', async (id) => {
    expect(await change(id, { priceCents: 1 })).toMatchObject({ status: 404, body: { type: '/problems/not-found' } });
  });
});

describe('events', () => {
  test('a request that comes twice is held once, and told to order and reservation', async () => {
    const { id } = await create();
    const { data, event } = requested(id, 3);
    const receipts = await Promise.all([inventory.receive(event, event), inventory.receive(event)]);
    expect(receipts.flatMap(({ failures }) => failures)).toEqual([]);
    await inventory.receive(event);

    const told = (service: typeof inventory.order) =>
      service.handled.filter((e) => 'reservationId' in e.data && e.data.reservationId === data.reservationId);
    for (const service of [inventory.order, inventory.reservation]) {
      expect(told(service)).toMatchObject([
        { type: 'stock.held', data: { orderId: data.orderId, totalCents: 14_700, currency: 'EUR' } },
      ]);
    }
    await eventually(async () => {
      expect(await availableOf(id)).toBe(7);
      expect(await servers.rows('SELECT FROM outbox')).toEqual([]);
    });
  });

  test('an event tells of a product what is stored of it, whatever it is called, and what cannot be stored is refused', async () => {
    const names = ['\u{1F4A1} e\u0301 \ufffd \u2028 "\\ud83d"', '\ufeffzero\u200bwidth', 'x'.repeat(200)];
    for (const name of names) {
      const { id } = await create();
      const patch = (to: string) =>
        inventory.call('PATCH', `/api/products/${id}`, { token: admin, body: { name: to } });
      expect((await patch(name)).status).toBe(200);
      expect((await patch('half \ud83d')).status).toBe(422);
      const { data, event } = requested(id, 1);
      await inventory.receive(event);
      const [stored] = await servers.rows<{ name: string }>('SELECT name FROM products WHERE id = $1', [id]);
      await eventually(() => {
        const held = inventory.order.received.find((e) => (e.data as { orderId?: string }).orderId === data.orderId);
        expect(held).toMatchObject({ type: 'stock.held', data: { items: [{ name: stored!.name }] } });
      });
      expect((await get(id)).body.name).toBe(stored!.name);
    }
  });

  test('what is cancelled can be had again; what is paid cannot', async () => {
    const { id } = await create({ limitPerUser: 5 });
    const [kept, dropped] = [requested(id, 4), requested(id, 5)];
    await inventory.receive(kept.event, dropped.event);
    await inventory.receive(
      anEvent('order.paid', about(kept.data)),
      anEvent('reservation.cancelled', about(dropped.data)),
    );
    await eventually(async () => expect(await availableOf(id)).toBe(6));
    expect(await servers.rows('SELECT total, held, sold FROM stock')).toEqual([{ total: 10, held: 0, sold: 4 }]);
  });

  test('an event that an absent service missed is delivered by the sweep when it is back', async () => {
    const { id } = await create();
    const { data, event } = requested(id, 1);
    inventory.network.intakes.delete('order');
    await inventory.receive(event);
    expect(await servers.rows('SELECT FROM outbox')).toHaveLength(1);
    inventory.network.intakes.set('order', inventory.order);
    await eventually(async () => {
      expect(inventory.order.received.map((e) => (e.data as { orderId?: string }).orderId)).toContain(data.orderId);
      expect(await servers.rows('SELECT FROM outbox')).toEqual([]);
    });
  });
});

describe('what everybody may ask', () => {
  test('alive and ready', async () => {
    expect(await inventory.call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    await eventually(async () =>
      expect(await inventory.call('GET', '/readyz')).toMatchObject({
        status: 200,
        body: { status: 'ok', checks: { database: 'ok', redis: 'ok', transport: 'ok' } },
      }),
    );
  });

  test('nothing is at other addresses, and the internal ones cannot be told from them', async () => {
    const nothing = await inventory.call<Problem>('GET', '/api/nothing');
    expect([nothing.status, nothing.body.type]).toEqual([404, '/problems/not-found']);
    for (const path of ['/internal/readyz', '/internal/events', '/internal']) {
      const hidden = await inventory.call<Problem>('GET', path, { token: admin });
      expect([hidden.status, hidden.body]).toEqual([404, nothing.body]);
    }
  });

  test('a path that is known by other methods only says by which', async () => {
    const known = [
      ['PUT', '/api/products', 'GET, HEAD, POST, OPTIONS'],
      ['DELETE', `/api/products/${newId()}`, 'GET, HEAD, PATCH, OPTIONS'],
      ['GET', `/api/products/${newId()}/restock`, 'POST, OPTIONS'],
      ['POST', '/metrics', 'GET, HEAD, OPTIONS'],
    ] as const;
    for (const [method, path, allow] of known) {
      const answer = await inventory.call<Problem>(method, path);
      expect([answer.status, answer.body.type, answer.headers.get('allow')]).toEqual([
        405,
        '/problems/method-not-allowed',
        allow,
      ]);
    }
  });

  test('headers tell nothing about what runs here', async () => {
    expect((await inventory.call('GET', '/healthz')).headers.get('x-powered-by')).toBeNull();
  });
});
