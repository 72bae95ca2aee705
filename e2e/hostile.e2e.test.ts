import { createHmac, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { booksAtRest, digestOfTheBooks } from '../test-kit/stack/books.ts';
import { expectProblem, tally } from '../test-kit/stack/expectations.ts';
import { bodyOf, type CallOptions } from '../test-kit/http.ts';
import { rawRequest, sendRaw } from '../test-kit/stack/raw.ts';
import type { Cart, Product, Reservation, Shop, Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

const kilobytes = (n: number) => 'x'.repeat(n * 1_024);
const json = 'application/json';
const sqlish = "'; DROP TABLE stock; --";

const options = {
  demo: { shoppers: 10 },
  env: {
    // Loopback is a stranger here, so that the limits on guessing hold.
    RATE_LIMIT_EXEMPT: '192.0.2.0/24',
    // The books must not change by themselves, however long all this takes.
    HOLD_TTL_MS: '3600000',
    ...liftedBounds,
  },
};

const attacks = (theShop: () => Shop) => {
  let shop: Shop;
  let shopper: Shopper;
  let product: Product;
  let cart: Cart;
  let reservation: Reservation;
  let books: Record<string, string>;

  beforeAll(async () => {
    shop = theShop();
    shopper = await shop.aShopper();
    product = await shop.aProduct({ stock: 1_000 });
    reservation = await shopper.aReservation(product);
    cart = await shopper.aCart({ productId: product.id, quantity: 1 });
    await shop.admin();
    books = await booksAtRest(shop.stack);
  });
  afterEach(async () => {
    const before = books;
    // One test's trace must not be blamed on the next.
    books = await digestOfTheBooks(shop.stack);
    expect(books).toEqual(before);
  });

  const line = () => ({ productId: product.id, quantity: 1 });
  const raw = (request: Parameters<typeof rawRequest>[0]) => sendRaw(shop.stack.url, rawRequest(request));
  /** The same to one route of each service. */
  const everywhere = async (request: (path: string) => Promise<void>) => {
    const paths = ['/api/users', '/api/products', `/api/carts/${cart.id}/items`, '/api/reservations', '/api/payments'];
    for (const path of paths) await request(path);
  };
  /** As somebody who may do everything. */
  const post = async (path: string, body: unknown, headers: CallOptions['headers'] = {}) =>
    shop.call('POST', path, {
      token: path.startsWith('/api/products') ? await shop.admin() : shopper.token,
      key: randomUUID(),
      body,
      headers,
    });

  describe('sends bodies', () => {
    test.each([
      ['cut short', '{"productId":'],
      ['of two documents', '{}{}'],
      ['with NaN', '{"quantity": NaN}'],
      ['with a leading zero', '{"quantity": 01}'],
      ['in single quotes', "{'quantity': 1}"],
      ['that are a number', '17'],
      ['that are null', 'null'],
      ['that are text', '"quantity"'],
      ['of zero bytes', '\0\0\0\0'],
      ['of markup', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'],
    ])('%s', (_what, body) => everywhere(async (path) => expectProblem(await post(path, body), 400, 'malformed-json')));

    test.each([
      ['that are a list', '[]'],
      ['nested 40,000 lists deep', '['.repeat(40_000) + ']'.repeat(40_000)],
      ['nested 15,000 objects deep', '{"a":'.repeat(15_000) + '1' + '}'.repeat(15_000)],
      ['with 6,000 fields', JSON.stringify(Object.fromEntries(Array.from({ length: 6_000 }, (_, n) => [`f${n}`, n])))],
    ])('%s', (_what, body) =>
      everywhere(async (path) => {
        const answer = await post(path, body);
        expectProblem(answer, 422, 'invalid-input');
        expect(answer.text.length).toBeLessThan(100_000);
      }),
    );

    test('of 200 KB', () =>
      everywhere(async (path) =>
        expectProblem(await post(path, { padding: kilobytes(200) }), 413, 'payload-too-large'),
      ));

    test('of 200 KB whose length it does not tell', () =>
      everywhere(async (path) => {
        const headers = {
          'Transfer-Encoding': 'chunked',
          'Content-Type': json,
          Authorization: `Bearer ${shopper.token}`,
        };
        const body = `${(200 * 1_024).toString(16)}\r\n${kilobytes(200)}\r\n0\r\n\r\n`;
        const request = rawRequest({ method: 'POST', path, headers: { ...headers, 'Content-Length': '' }, body });
        const answer = await sendRaw(shop.stack.url, request.replace('Content-Length: \r\n', ''));
        expectProblem(answer, 413, 'payload-too-large');
      }));

    test.each([
      ['text/plain', {}],
      ['application/x-www-form-urlencoded', {}],
      ['multipart/form-data; boundary=x', {}],
      [`${json}; charset=iso-8859-1`, {}],
      [json, { 'content-encoding': 'br' }],
      [json, { 'content-encoding': 'deflate' }],
    ])('as %s %j', (type, headers) =>
      everywhere(async (path) =>
        expectProblem(
          await post(path, JSON.stringify(line()), { 'content-type': type, ...headers }),
          415,
          'unsupported-media-type',
        ),
      ),
    );

    test('that grow when they are unpacked', () =>
      everywhere(async (path) => {
        const bomb = gzipSync(JSON.stringify({ padding: kilobytes(10_000) }));
        const answer = await post(path, bomb, { 'content-encoding': 'gzip' });
        expectProblem(answer, 415, 'unsupported-media-type');
      }));

    test('of fields that nobody knows', async () => {
      const body = { ...line(), priceCents: 0 };
      expectProblem(await shopper.addItem(cart.id, body), 422, 'invalid-input');
      expectProblem(await post('/api/reservations', { cartId: cart.id, status: 'held' }), 422, 'invalid-input');
      const method = { token: 'tok_ok', amountCents: 1 };
      expectProblem(await post('/api/payments', { orderId: reservation.orderId, method }), 422, 'invalid-input');
      expectProblem(await post('/api/carts', { userId: randomUUID() }), 422, 'invalid-input');
      const account = { email: 'evil@example.com', password: 'a long password', role: 'admin' };
      expectProblem(await post('/api/users', account), 422, 'invalid-input');
    });

    test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
      'with the key %s',
      async (key) => {
        const poisoned = (body: object) =>
          JSON.stringify(body).replace('{', `{"${key}":{"role":"admin","quantity":1},`);
        const account = { email: 'evil@example.com', password: 'a long password' };
        expectProblem(await post('/api/users', poisoned(account)), 422, 'invalid-input');
        expectProblem(await post(`/api/carts/${cart.id}/items`, poisoned(line())), 422, 'invalid-input');
        expectProblem(await post('/api/reservations', poisoned({ cartId: cart.id })), 422, 'invalid-input');
        const payment = { orderId: reservation.orderId, method: { token: 'tok_ok' } };
        expectProblem(await post('/api/payments', poisoned(payment)), 422, 'invalid-input');
      },
    );
  });

  describe('sends values', () => {
    const nonsense = ['-1', '0', '-0', '1.5', '1e-7', '1e308', '1e400', '-1e400', '9007199254740993', '"1"', '" "'];
    const wrongTypes = ['true', 'null', '[1]', '{}', '{"$gt":0}', JSON.stringify(sqlish)];

    test.each([...nonsense, ...wrongTypes])('of the quantity %s', async (quantity) => {
      const body = `{"productId":"${product.id}","quantity":${quantity}}`;
      expectProblem(await shopper.addItem(cart.id, body), 422, 'invalid-input');
      expectProblem(
        await post(`/api/products/${product.id}/restock`, `{"quantity":${quantity}}`),
        422,
        'invalid-input',
      );
    });

    test('of more units than a cart may hold', async () => {
      expectProblem(await shopper.addItem(cart.id, { ...line(), quantity: 1_001 }), 422, 'invalid-input');
      expectProblem(await shopper.addItem(cart.id, { ...line(), quantity: 1_000 }), 409, 'cart-full');
    });

    test.each([
      ['priceCents', [-1, 0.5, 1e9, '100', null]],
      ['stock', [-1, 0.5, 1e300, '100', null]],
      ['currency', ['eur', 'EURO', '', 7, sqlish]],
      ['name', ['', ' ', 'x'.repeat(201), 'zero\0byte', 7, null, ['x']]],
      ['limitPerUser', [0, -1, 1.5, '2']],
      ['saleEndsAt', ['tomorrow', '2030-13-45T00:00:00Z', 0, '9999-12-31T23:59:59-12:00']],
    ])('for a new product of the %s', async (field, values) => {
      for (const value of values) {
        const body = { name: 'Bad', priceCents: 1, currency: 'EUR', stock: 1, [field]: value };
        expectProblem(await post('/api/products', body), 422, 'invalid-input');
      }
    });

    test.each([
      sqlish,
      "' OR '1'='1",
      '1',
      '-1',
      '9'.repeat(400),
      '%',
      '*',
      '${7*7}',
      '{{7*7}}',
      '../../etc/passwd',
      '019aa000-0000-7000-8000-00000000000g',
      '019aa000-0000-7000-8000-000000000000 OR 1=1',
      '[object Object]',
      'undefined',
      '🛒',
    ])('as the id %s', async (id) => {
      const encoded = encodeURIComponent(id);
      for (const path of ['products', 'carts', 'reservations', 'orders', 'payments']) {
        expectProblem(await shopper.call('GET', `/api/${path}/${encoded}`), 404, 'not-found');
      }
      expectProblem(await shopper.addItem(cart.id, { productId: id, quantity: 1 }), 422, 'invalid-input');
      expectProblem(await post('/api/reservations', { cartId: id }), 422, 'invalid-input');
      expectProblem(await post('/api/payments', { orderId: id, method: { token: 'tok_ok' } }), 422, 'invalid-input');
    });

    test.each(['limit=-1', 'limit=0', 'limit=101', 'limit=ten', 'limit=1.5', 'limit=', 'limit=5&limit=6', 'cursor=1'])(
      'in the query %s',
      async (query) => {
        expectProblem(await shop.call('GET', `/api/products?${query}`), 422, 'invalid-input');
        expectProblem(await shopper.call('GET', `/api/orders?${query}`), 422, 'invalid-input');
      },
    );

    test.each(['offset=5', 'limit[]=5', '__proto__=1', 'constructor=1'])('in the unknown query %s', async (query) => {
      expectProblem(await shop.call('GET', `/api/products?${query}`), 422, 'invalid-input');
    });
  });

  describe('sends Idempotency-Keys', () => {
    const attempts = (key: string) => [
      raw(withKey('/api/reservations', { cartId: cart.id }, key)),
      raw(withKey('/api/payments', { orderId: reservation.orderId, method: { token: 'tok_ok' } }, key)),
    ];
    const withKey = (path: string, body: unknown, key: string) => ({
      method: 'POST',
      path,
      body: JSON.stringify(body),
      headers: { 'Content-Type': json, Authorization: `Bearer ${shopper.token}`, 'Idempotency-Key': key },
    });

    test.each([
      ['of nothing', ''],
      ['of blanks', '   '],
    ])('%s', async (_what, key) => {
      for (const answer of await Promise.all(attempts(key))) expectProblem(answer, 400, 'idempotency-key-required');
    });

    test.each([
      ['of 256 characters', 'k'.repeat(256)],
      ['of 3,000 characters', 'k'.repeat(3_000)],
      ['with a blank', 'two words'],
      ['that are not ASCII', 'schlüssel'],
      ['twice', 'one\r\nIdempotency-Key: two'],
    ])('%s', async (_what, key) => {
      for (const answer of await Promise.all(attempts(key))) expectProblem(answer, 422, 'invalid-input');
    });
  });

  describe('shows tokens', () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = () => Math.floor(Date.now() / 1_000);
    const sound = () => ({ role: 'admin', sub: randomUUID(), iss: 'flash-sale', iat: now(), exp: now() + 600 });
    const sign = (claims: object, secret: string, header: object = { alg: 'HS256', typ: 'JWT' }) => {
      const content = `${part(header)}.${part(claims)}`;
      return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
    };
    const ours = () => shop.stack.secrets.jwtSecret;
    const tampered = () => {
      const [head, , signature] = shopper.token.split('.');
      return `${head}.${part(sound())}.${signature}`;
    };

    test('which is how one would look', async () => {
      const answer = await shop.call('GET', '/api/orders', { token: sign(sound(), ours()) });
      expect(answer.status).toBe(200);
    });

    test.each<[string, () => string]>([
      ['that have expired', () => sign({ ...sound(), iat: now() - 1_000, exp: now() - 1 }, ours())],
      ['that are not valid yet', () => sign({ ...sound(), nbf: now() + 600 }, ours())],
      ['of another secret', () => sign(sound(), 'a secret that is long enough, but not ours')],
      ['of no secret', () => sign(sound(), '')],
      ['without a signature', () => `${part({ alg: 'none', typ: 'JWT' })}.${part(sound())}.`],
      ['signed with alg none', () => sign(sound(), ours(), { alg: 'none' })],
      ['that claim another algorithm', () => sign(sound(), ours(), { alg: 'RS256', typ: 'JWT' })],
      ['that claim to be encrypted', () => sign(sound(), ours(), { alg: 'dir', enc: 'A256GCM' })],
      ['of another issuer', () => sign({ ...sound(), iss: 'somebody-else' }, ours())],
      ['of another role', () => sign({ ...sound(), role: 'root' }, ours())],
      ['of another subject', () => sign({ ...sound(), sub: sqlish }, ours())],
      ['that were tampered with', tampered],
      ['that are the refresh kind', () => 'x'.repeat(43)],
      ['of three dots', () => '...'],
    ])('%s', async (_what, token) => {
      const asked = { token: token(), key: randomUUID() };
      const answers = await Promise.all([
        shop.call('GET', '/api/users/me', asked),
        shop.call('POST', `/api/products/${product.id}/restock`, { ...asked, body: { quantity: 5 } }),
        shop.call('POST', '/api/reservations', { ...asked, body: { cartId: cart.id } }),
        shop.call('GET', `/api/orders/${reservation.orderId}`, asked),
        shop.call('POST', '/api/payments', {
          ...asked,
          body: { orderId: reservation.orderId, method: { token: 'tok_ok' } },
        }),
      ]);
      for (const answer of answers) expectProblem(answer, 401, 'unauthenticated');
    });

    test.each(['Basic YWRtaW46YWRtaW4=', 'Bearer', 'Bearer  ', 'bearer', 'Negotiate'])(
      'as "%s"',
      async (authorization) => {
        for (const path of ['/api/users/me', '/api/orders', `/api/carts/${cart.id}`]) {
          expectProblem(await shop.call('GET', path, { headers: { authorization } }), 401, 'unauthenticated');
        }
      },
    );
  });

  describe('speaks HTTP', () => {
    test('with a thousand headers', async () => {
      const many = (size: number) =>
        Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`x-${n}`, 'v'.repeat(size)]));
      expectProblem(await raw({ headers: many(40) }), 431, 'headers-too-large');
      expect([200, 431]).toContain((await raw({ headers: many(1) })).status);
    });

    test('with an overlong header', async () => {
      expectProblem(await raw({ headers: { Cookie: kilobytes(20) } }), 431, 'headers-too-large');
      expectProblem(await raw({ headers: { Authorization: `Bearer ${kilobytes(6)}` } }), 431, 'headers-too-large');
    });

    test('with an overlong address', async () => {
      const answer = await raw({ path: `/api/products?cursor=${kilobytes(20)}` });
      expect(answer.status).toBe(414);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    });

    test.each(['TRACE', 'FOO'])('by the method %s, which nginx refuses', async (method) => {
      const answer = await raw({ method });
      expectProblem(answer, 405, 'method-not-allowed');
      expect(answer.headers.get('allow')).toMatch(/\bGET\b/);
    });

    test('with a control character in a header, which Node refuses', () =>
      everywhere(async (path) => expectProblem(await raw({ path, headers: { 'X-A': 'a\x01b' } }), 400, 'bad-request')));

    test.each(['PUT', 'PATCH', 'DELETE', 'PROPFIND'])('by the method %s', (method) =>
      everywhere(async (path) => expectProblem(await shopper.call(method, path), 405, 'method-not-allowed')),
    );

    test.each<[string, Parameters<typeof rawRequest>[0]]>([
      ['by the method CONNECT', { method: 'CONNECT', path: '127.0.0.1:22' }],
      ['by no method', { method: 'get products' }],
      ['of another version', { version: 'HTTP/3.0' }],
      ['with a zero byte in the address', { path: '/api/products/%00' }],
      ['with half a character in the address', { path: '/api/products/%E0%A4' }],
      ['with a bad escape in the address', { path: '/api/products/%zz' }],
      ['with a length that is no number', { method: 'POST', headers: { 'Content-Length': '-5' }, body: '{}' }],
      ['with two lengths', { method: 'POST', headers: { 'Content-Length': '2\r\nContent-Length: 3' }, body: '{}' }],
      [
        'with two ways to tell the length',
        { method: 'POST', headers: { 'Content-Length': '4', 'Transfer-Encoding': 'chunked' }, body: '0\r\n\r\n' },
      ],
      [
        'with chunks that are none',
        { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' }, body: 'zz\r\n\r\n' },
      ],
    ])('%s', async (_what, request) => {
      const withToken = { ...request, headers: { 'Content-Type': json, ...request.headers } };
      expectProblem(await raw(withToken), 400, 'bad-request');
    });

    test('without a host', async () => {
      const answer = await sendRaw(shop.stack.url, 'GET /api/products HTTP/1.1\r\nConnection: close\r\n\r\n');
      expectProblem(answer, 400, 'bad-request');
    });

    test('that is none', async () => {
      const { port } = new URL(shop.stack.url);
      expect(Number(port)).toBeGreaterThan(0);
      // As TLS begins; nginx answers what it cannot read in the oldest way, or hangs up.
      const answer = await sendRaw(shop.stack.url, Buffer.from('16030100a5010000a10303\r\n\r\n', 'utf8'));
      expect([400, NaN]).toContain(answer.status);
    });
  });

  describe('asks for what is inside', () => {
    test.each([
      '/internal/inventory/events',
      '/internal/events',
      '/internal/healthz',
      '/internal/',
      '/internal',
      '/platform/healthz',
      '/platform/readyz',
      '/api/../internal/inventory/events',
      '/api/../platform/readyz',
      '/api/products/../../internal/inventory/events',
      '/api/products/%2e%2e/%2e%2e/internal/inventory/events',
      '/api/products/%2E%2E%2F%2E%2E%2Finternal/inventory/events',
      '/api/products/..%2f..%2finternal%2fevents',
      '/api/products/..%252f..%252finternal%252fevents',
      '/api/products/..;/..;/internal/events',
      '/api/products/..\\..\\internal\\events',
      '/api/products/.../.../internal/events',
      '//internal/inventory/events',
      '/./internal/inventory/events',
      '/%69nternal/inventory/events',
      '/INTERNAL/inventory/events',
      '/internal/../api/products',
      '/internal/events/../../api/products',
      '/platform/readyz/../../api/products',
      '/platform/readyz%3f/../../api/products',
      '/internal/events%00/../../api/products',
      'http://127.0.0.1/internal/inventory/events',
      'http://internal/internal/events',
      '/api/productsinternal/events',
      '/api/usersx',
      '/api',
      '/.git/config',
      '/.env',
      '/server-status',
      '/nginx.conf',
    ])('at %s', async (path) => {
      const body = JSON.stringify({ events: [], acknowledged: [] });
      // Even whoever has learnt the internal token gets nowhere from outside.
      for (const token of [shopper.token, shop.stack.secrets.internalToken]) {
        const headers = { 'Content-Type': json, Authorization: `Bearer ${token}` };
        for (const request of [
          { path, headers },
          { method: 'POST', path, headers, body },
        ]) {
          const answer = await raw(request);
          if (path.includes('%00')) expectProblem(answer, 400, 'bad-request');
          // Taken for the id of a product, to which nobody posts.
          else if (answer.status === 405) expectProblem(answer, 405, 'method-not-allowed');
          else expectProblem(answer, 404, 'not-found');
        }
      }
    });
  });

  describe('guesses', () => {
    test('passwords, and is stopped, whatever address it claims to come from', async () => {
      const guess = (n: number) =>
        shop.call('POST', '/api/sessions', {
          body: { email: 'shopper9@example.com', password: `guess ${n}` },
          headers: {
            'x-forwarded-for': `198.51.100.${n}`,
            'x-real-ip': `198.51.100.${n}`,
            forwarded: `for=198.51.100.${n}`,
          },
        });
      const answers = [];
      for (let n = 0; n < 14; n++) answers.push(await guess(n));
      expect(tally(answers)).toEqual({ '401 wrong-credentials': 10, '429 too-many-requests': 4 });
      expectProblem(answers.at(-1)!, 429, 'too-many-requests');
      // Others are not locked out by it.
      expect((await shop.logIn('shopper8@example.com')).status).toBe(201);
    });

    test('ids of things that are not its own', async () => {
      const other = await shop.shopper(7);
      const stem = reservation.orderId.slice(0, -2);
      const ids = Array.from({ length: 16 }, (_, n) => `${stem}${(n * 16).toString(16).padStart(2, '0')}`);
      for (const answer of await Promise.all(ids.map((id) => other.call('GET', `/api/orders/${id}`)))) {
        expectProblem(answer, 404, 'not-found');
      }
    });
  });

  describe('afterwards', () => {
    test('the shop still works, and the books balance', async () => {
      await eventually(async () => expect((await shop.call('GET', '/readyz')).status).toBe(200));
      const honest = await shop.shopper(6);
      const { reservation: bought } = await honest.aPurchase(product);
      expect((await honest.order(bought.orderId)).status).toBe('confirmed');
      bodyOf(await shopper.reserve(cart.id), 201);
      bodyOf(await shopper.pay(reservation.orderId), 201);
      await expectAuditClean(shop.stack);
      books = await booksAtRest(shop.stack);
    });
  });
};

// What is refused is refused before there are events: the stacks part behind it.
onEachStack('a hostile client', options, attacks, ['async']);
