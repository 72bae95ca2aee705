import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { underWay } from '@flash-sale/shared/http/under-way.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { audit } from '../test-kit/in-process/audit.ts';
import { startShop, type Shop } from '../test-kit/in-process/shop.ts';
import { outcomeOf, shopping } from '../test-kit/in-process/shopping.ts';
import { withClient } from '../infra/launcher/databases.ts';

/* A process that has more under way than it gets done refuses those who come, and finishes what others have begun. */

const bound = 1_000;
/** Beyond the bound of carts as well. */
const crowd = 2 * bound;
const aSlowLane = { waitingMs: () => 60_000 };
let shop: Shop;
let user: ReturnType<typeof shopping>;
let redis: Redis;
beforeAll(async () => {
  const settings = { SHED_BEYOND_REQUESTS: `${bound}`, SHED_BEYOND_WAIT_MS: '300', STATEMENT_TIMEOUT_MS: '60000' };
  shop = await startShop({ services: serviceNames, settings });
  user = shopping(shop);
  redis = new Redis(shop.redis.url);
});
afterEach(() => {
  underWay.changes = 0;
  underWay.begins.add('log-in');
  underWay.lanes.delete(aSlowLane);
  return audit(shop);
});
afterAll(() => {
  redis?.disconnect();
  return shop?.close();
});

/** What the one process with carts tells those with log-ins of itself, as if it had none. */
const told = (count: string) => eventually(async () => expect(await redis.get('crowd:count')).toBe(count));

const aCart = () => shop.call('POST', '/api/carts', { token: shop.aShopper().token });
const anAccount = () => ({ email: `${newId()}@example.com`, password: 'correct horse battery staple' });
const register = (account = anAccount()) => shop.call('POST', '/api/users', { body: account });
const logInAs = (account: ReturnType<typeof anAccount>) => shop.call('POST', '/api/sessions', { body: account });
const refused = [503, 'overloaded'];
const refusedBy = async (service: ServiceName) => {
  const page = await (await fetch(`${shop.urlOf(service)}/metrics`)).text();
  return Number(/^flash_sale_refused_journeys\S*cause="here"\S* (\d+)$/m.exec(page)?.[1]);
};

test('log-in, registration and a new cart are refused; reserving, paying and cancelling go on', async () => {
  const product = await user.aProduct({ stock: 100 });
  const [paying, cancelling] = [await user.aHold(product), await user.aHold(product)];
  const shopper = shop.aShopper();
  const cart = await user.aCart(shopper, [product, 1]);
  const account = anAccount();
  const logIn = () => logInAs(account);
  expect((await register(account)).status).toBe(201);
  const session = await logIn();
  expect(outcomeOf(session)).toEqual([201, 'ok']);

  expect([...underWay.begins].sort()).toEqual(['cart', 'log-in']);
  expect(await redis.get('crowd:count')).toBeNull();
  underWay.changes += crowd;
  underWay.lanes.add(aSlowLane);
  for (const begin of [aCart, logIn, () => register()]) {
    const answer = await begin();
    expect(outcomeOf(answer)).toEqual(refused);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(outcomeOf(await user.addToCart(shopper, cart, await user.aProduct()))).toEqual([200, 'ok']);
  expect(outcomeOf(await user.reserve(shopper, cart))).toEqual([201, 'ok']);
  expect(outcomeOf(await user.pay(paying.shopper, paying.reservation.orderId))).toEqual([201, 'ok']);
  expect(outcomeOf(await user.cancel(cancelling.shopper, cancelling.reservation.id))).toEqual([200, 'ok']);
  const { refreshToken } = session.body as { refreshToken: string };
  expect(outcomeOf(await shop.call('POST', '/api/sessions/refresh', { body: { refreshToken } }))).toEqual([201, 'ok']);
  await eventually(async () => expect((await fetch(`${shop.urlOf('reservation')}/readyz`)).status).toBe(200));
  expect(outcomeOf(await aCart())).toEqual(refused);
  underWay.begins.delete('log-in');
  await told('1 1');
  expect(Math.min(await refusedBy('reservation'), await refusedBy('user'))).toBeGreaterThan(1);

  underWay.changes -= crowd;
  await told('0 1');
  for (const begin of [aCart, logIn, () => register()])
    await eventually(async () => expect(outcomeOf(await begin())).toEqual([201, 'ok']));
});

test('a lane that hangs closes the door, though nothing of it has ended; payment and cancel go on; moving, it opens again', async () => {
  const product = await user.aProduct({ stock: 100 });
  const [paying, cancelling] = [await user.aHold(product), await user.aHold(product)];
  const account = anAccount();
  expect((await register(account)).status).toBe(201);
  const logIn = () => logInAs(account);
  underWay.changes += crowd;
  // Many are under way, but nothing waits in a lane.
  for (const begin of [aCart, logIn])
    await eventually(async () => expect(outcomeOf(await begin())).toEqual([201, 'ok']));

  let waiting: ReturnType<typeof logIn> | undefined;
  await withClient(shop.databaseUrls.user, async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE session IN SHARE MODE'); // it can be read, but nobody can log in
    waiting = logIn();
    await eventually(async () => expect(outcomeOf(await aCart())).toEqual(refused));
    expect(outcomeOf(await logIn())).toEqual(refused);
    expect(outcomeOf(await user.pay(paying.shopper, paying.reservation.orderId))).toEqual([201, 'ok']);
    expect(outcomeOf(await user.cancel(cancelling.shopper, cancelling.reservation.id))).toEqual([200, 'ok']);
    await client.query('COMMIT');
  });
  expect(outcomeOf(await waiting!)).toEqual([201, 'ok']);
  for (const begin of [logIn, aCart])
    await eventually(async () => expect(outcomeOf(await begin())).toEqual([201, 'ok']));
});

test('what is under way is counted, reads and what was answered are not', async () => {
  const before = underWay.changes;
  const product = await user.aProduct();
  const { shopper, reservation } = await user.aHold(product);
  const paid = user.pay(shopper, reservation.orderId, { method: 'tok_slow' });
  await eventually(() => expect(underWay.changes).toBe(before + 1));
  await Promise.all([paid, shop.call('GET', `/api/products/${product}`)]);
  await eventually(() => expect(underWay.changes).toBe(before));
});
