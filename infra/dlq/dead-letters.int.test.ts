import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { amqpTransport, emptyBroker } from '@flash-sale/shared/testing/amqp-network.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { FakeService } from '@flash-sale/shared/testing/fake-service.ts';
import { createTestRabbitmq } from '../testing/rabbitmq.ts';
import { forDeadLetters } from './dead-letters.ts';

let broker: Awaited<ReturnType<typeof createTestRabbitmq>>;
beforeAll(async () => {
  broker = await createTestRabbitmq();
  await emptyBroker(broker.url);
}, 120_000);
afterAll(() => broker.close(), 60_000);

test('what was put aside is listed, replayed and handled; or dropped', async () => {
  const order = new FakeService('order');
  const transport = amqpTransport(broker.url);
  order.transport = transport;
  await transport.start(order);
  const look = (selection = {}) => forDeadLetters(broker.url, selection, 'keep');
  const idsAt = async (selection = {}) => (await look(selection)).letters.map(({ id }) => id).sort();
  try {
    const [first, second, third] = [anEvent('stock.held'), anEvent('stock.held'), anEvent('stock.released')];
    order.failureOf = () => 'poison';
    await transport.deliver([order.record(first, second, third)]);
    await eventually(() => expect(transport.deadLettered).toBe(3));

    // Given: three dead letters, which looking at leaves where they are.
    const all = [first.id, second.id, third.id].sort();
    expect(await idsAt()).toEqual(all);
    expect(await idsAt()).toEqual(all);
    expect(await idsAt({ type: 'stock.released' })).toEqual([third.id]);
    expect(await idsAt({ service: 'payment' })).toEqual([]);
    expect((await look({ id: first.id })).letters).toMatchObject([
      { service: 'order', type: 'stock.held', reason: 'told to fail: poison', retries: 0 },
    ]);

    // When: the fault is mended and one is replayed.
    order.failureOf = () => undefined;
    order.batches.length = 0;
    expect(await forDeadLetters(broker.url, { id: first.id }, 'replay')).toMatchObject({ refused: 0, unread: [] });

    // Then: it is handled, as the event that it was, and the others lie where they lay.
    await eventually(() => expect(order.received).toEqual([first]));
    expect(await idsAt()).toEqual([second.id, third.id].sort());

    expect((await forDeadLetters(broker.url, { id: second.id }, 'drop')).letters.length).toBe(1);
    await forDeadLetters(broker.url, {}, 'replay');
    await eventually(() => expect(order.received).toEqual([first, third]));
    expect(await idsAt()).toEqual([]);
  } finally {
    await transport.stop();
  }
});

test('a broker that is not there is said to be so', async () => {
  await expect(forDeadLetters('amqp://127.0.0.1:9', {}, 'keep')).rejects.toThrow(/ECONNREFUSED/);
});
