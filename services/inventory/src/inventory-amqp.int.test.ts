import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventPublication } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { batchQueueOf, consumedQueues, deadQueueOf } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { amqpTransport } from '@flash-sale/shared/testing/amqp-network.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { createTestVhost, type TestVhost } from '../../../infra/testing/rabbitmq.ts';
import { aHold, about, aProduct, aRequest } from './testing/builders.ts';
import { startInventory, startServers, type RunningInventory, type Servers } from './testing/running.ts';

const batch = 256;

let servers: Servers;
let vhost: TestVhost;
let inventory: RunningInventory | undefined;

beforeAll(async () => {
  [servers, vhost] = await Promise.all([startServers(), createTestVhost()]);
  // For its tables; what the tests send must wait for it all together.
  await (await startInventory(servers)).stop();
});
afterEach(() => inventory?.stop());
afterAll(async () => {
  await Promise.all([servers?.close(), vhost?.drop()]);
});

async function addProduct(units: number): Promise<string> {
  const { id, name, priceCents, currency } = aProduct();
  await servers.rows('INSERT INTO products (id, name, price_cents, currency) VALUES ($1, $2, $3, $4)', [
    id,
    name,
    priceCents,
    currency,
  ]);
  await servers.rows('INSERT INTO stock VALUES ($1, $2, 0, 0, 1)', [id, units]);
  return id;
}

/** Takes everything that lies in a queue. @returns the ids of all events in it */
const take = (queue: string) =>
  withChannel(vhost.url, async (channel) => {
    const ids: string[] = [];
    for (let one; (one = await channel.get(queue, { noAck: true }));) {
      const content = JSON.parse(one.content.toString()) as { id: string } | { id: string }[];
      ids.push(...[content].flat().map(({ id }) => id));
    }
    return ids;
  });

test('one event that breaks a batch is put aside; the 255 others take effect once, and everybody is told once', async () => {
  const [product, broken] = [await addProduct(1_000), await addProduct(10)];
  const good = Array.from({ length: batch - 1 }, () =>
    anEvent('reservation.requested', aRequest([{ productId: product, quantity: 1 }])),
  );
  // A hold that the stock knows nothing of: to commit it would make less than nothing held.
  const hold = aHold({ items: [{ productId: broken, quantity: 1 }] });
  const { reservationId, orderId, userId, items, expiresAt } = hold;
  await servers.rows(`INSERT INTO holds VALUES ($1, $2, $3, 'held', $4, $5)`, [
    reservationId,
    orderId,
    userId,
    JSON.stringify(items),
    expiresAt,
  ]);
  const poison = anEvent('order.paid', about(hold));

  await withChannel(vhost.url, async (channel) => {
    for (const event of [...good.slice(0, 100), poison, ...good.slice(100)]) {
      const { exchange, routingKey, content, options } = eventPublication(event, Math.floor(Date.now() / 1_000));
      channel.publish(exchange, routingKey, content, options);
    }
    await channel.waitForConfirms();
  });
  inventory = await startInventory(servers, { OUTBOX_GRACE_MS: '20000' }, () => ({
    transport: amqpTransport(vhost.url, { prefetch: batch }),
  }));

  const inbox = () => servers.rows('SELECT event_id FROM inbox');
  await eventually(async () => expect(await inbox()).toHaveLength(good.length));
  await eventually(async () => expect(await take(deadQueueOf('inventory'))).toEqual([poison.id]));
  await eventually(async () => expect(await servers.rows('SELECT FROM outbox')).toEqual([]));
  expect(await inbox()).not.toContainEqual({ event_id: poison.id });
  const stock = 'SELECT held, sold FROM stock WHERE product_id = $1';
  expect(await servers.rows(stock, [product])).toEqual([{ held: good.length, sold: 0 }]);
  expect(await servers.rows(stock, [broken])).toEqual([{ held: 0, sold: 0 }]);
  const held = await servers.rows('SELECT reservation_id AS id FROM holds WHERE reservation_id <> $1', [reservationId]);
  expect(held.map(({ id }) => id as string).sort()).toEqual(good.map(({ data }) => data.reservationId).sort());
  for (const service of ['order', 'reservation'] as const) {
    const told = await take(batchQueueOf(service));
    expect([told.length, new Set(told).size]).toEqual([good.length, good.length]);
  }
  for (const queue of consumedQueues) expect([queue, await take(queue)]).toEqual([queue, []]);
});
