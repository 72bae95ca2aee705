import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { withClient } from '../../infra/launcher/databases.ts';
import { temporaryFolder } from '../../infra/testing/temporary-folder.ts';
import { readProcesses } from '../lib/procfs.ts';
import { ownersOf } from '../lib/usage.ts';
import { discrepanciesOf, startLimit, type Limit } from './start.ts';

let folder: string;
let limit: Limit;
beforeAll(async () => {
  folder = await temporaryFolder('limit');
  limit = await startLimit(folder);
}, 60_000);
afterAll(async () => {
  await limit[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(limit.url + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}
const post = (path: string, body: object) => call('POST', `/api/${path}`, body);

async function aProduct(stock: number): Promise<string> {
  const about = { name: 'Load test', priceCents: 1_999, currency: 'EUR', stock, listed: false };
  return (await post('products', about)).body['id'] as string;
}
async function aCart(productId: string, quantity: number): Promise<string> {
  const id = (await post('carts', {})).body['id'] as string;
  await post(`carts/${id}/items`, { productId, quantity });
  return id;
}
const stockOf = (productId: string) =>
  withClient(limit.databaseUrl, async (db) => {
    const { rows } = await db.query<object>('SELECT held, sold FROM products WHERE id = $1', [productId]);
    return rows[0];
  });

describe('the limit', () => {
  test('answers the six steps as checkout.ts wants them', async () => {
    const productId = await aProduct(10);
    expect(await post('sessions', { email: 'a', password: 'b' })).toMatchObject({
      status: 201,
      body: { accessToken: 'everybody' },
    });
    const cart = await post('carts', {});
    const cartId = cart.body['id'] as string;
    expect(cart).toEqual({ status: 201, body: { id: cartId, items: [] } });
    expect(cartId).toMatch(/./);
    expect(await call('GET', `/api/products/${productId}`)).toEqual({
      status: 200,
      body: { id: productId, priceCents: 1_999, currency: 'EUR', available: 10 },
    });
    expect(await post(`carts/${cartId}/items`, { productId, quantity: 2 })).toEqual({
      status: 200,
      body: { id: cartId, items: [{ productId, quantity: 2 }] },
    });
    const reservation = await post('reservations', { cartId });
    expect(reservation).toMatchObject({ status: 201, body: { status: 'held', totalCents: 3_998, currency: 'EUR' } });
    expect(await stockOf(productId)).toEqual({ held: '2', sold: '0' });
    const { orderId } = reservation.body as { orderId: string };
    expect(await post('payments', { orderId, method: { token: 'tok_ok' } })).toMatchObject({
      status: 201,
      body: { status: 'captured', orderId, amountCents: 3_998, currency: 'EUR' },
    });
    expect(await stockOf(productId)).toEqual({ held: '0', sold: '2' });
    expect(await discrepanciesOf(limit.databaseUrl)).toEqual([]);
  });

  test('sells exactly what there is to a crowd that reserves at once, and takes one payment for each order', async () => {
    const productId = await aProduct(100);
    const carts = await Promise.all(Array.from({ length: 300 }, () => aCart(productId, 1)));
    const reservations = await Promise.all(carts.map((cartId) => post('reservations', { cartId })));
    const orders = reservations.flatMap(({ status, body }) => (status === 201 ? [body['orderId'] as string] : []));
    expect(orders).toHaveLength(100);
    expect(reservations.filter(({ status }) => status === 409)).toHaveLength(200);
    const payments = await Promise.all([...orders, ...orders].map((orderId) => post('payments', { orderId })));
    expect(payments.filter(({ status }) => status === 201)).toHaveLength(100);
    expect(payments.filter(({ status }) => status === 409)).toHaveLength(100);
    expect(await stockOf(productId)).toEqual({ held: '0', sold: '100' });
    expect(await discrepanciesOf(limit.databaseUrl)).toEqual([]);
  });

  test('two products in many batches of both processes do not stop each other', async () => {
    const products = [await aProduct(1_000), await aProduct(1_000)];
    const buy = async (at: number) => {
      const reservation = await post('reservations', { cartId: await aCart(products[at % 2]!, 2) });
      return (await post('payments', { orderId: reservation.body['orderId'] })).status;
    };
    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, at) => buy(at)));
    expect(outcomes.every((status) => status === 201)).toBe(true);
    for (const id of products) expect(await stockOf(id)).toEqual({ held: '0', sold: '200' });
  });

  test('says what does not add up', async () => {
    const productId = await aProduct(5);
    const set = (held: number) =>
      withClient(limit.databaseUrl, (db) => db.query('UPDATE products SET held = $2 WHERE id = $1', [productId, held]));
    await set(3);
    expect(await discrepanciesOf(limit.databaseUrl)).toEqual([
      `product ${productId} has 3 held and 0 sold of 5, its orders have 0, of them paid 0`,
    ]);
    await set(0);
  });
});

test('of a limit that was stopped, nothing runs any more', async () => {
  const place = await temporaryFolder('limit-stopped');
  const stopped = await startLimit(place);
  const pids = [...ownersOf(readProcesses(), stopped.processes).keys()];
  expect(pids.length).toBeGreaterThan(stopped.processes.length);
  await stopped[Symbol.asyncDispose]();
  expect(pids.filter((pid) => readProcesses().has(pid))).toEqual([]);
  await rm(place, { recursive: true });
}, 60_000);
