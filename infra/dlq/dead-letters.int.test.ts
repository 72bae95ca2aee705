import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { amqpTransport, emptyBroker } from '@flash-sale/shared/testing/amqp-network.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { FakeService } from '@flash-sale/shared/testing/fake-service.ts';
import { createTestRabbitmq } from '../testing/rabbitmq.ts';
import { countUntaken } from './broker.ts';
import { forDeadLetters } from './dead-letters.ts';

let broker: Awaited<ReturnType<typeof createTestRabbitmq>>;
beforeAll(async () => {
  broker = await createTestRabbitmq();
  await emptyBroker(broker.url);
});
afterAll(() => broker.close());

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
    await eventually(() => expect(transport.deadLetters().unhandleable).toBe(3));

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

test('what a broker short of memory does not take stays where it is, and nobody waits for it', async () => {
  const order = new FakeService('order');
  const transport = amqpTransport(broker.url);
  order.transport = transport;
  await transport.start(order);
  try {
    const events = [anEvent('stock.held'), anEvent('stock.held')];
    order.failureOf = () => 'poison';
    await transport.deliver([order.record(...events)]);
    await eventually(() => expect(transport.deadLetters().unhandleable).toBe(2));
    order.failureOf = () => undefined;
    order.batches.length = 0;

    await broker.control('set_vm_memory_high_watermark', '0');
    try {
      const outcome = await forDeadLetters(broker.url, {}, 'replay', { confirmWithinMs: 300 });
      expect(outcome).toMatchObject({ letters: [{ service: 'order' }], refused: 1, silent: true });
    } finally {
      await broker.control('set_vm_memory_high_watermark', 'absolute', '512MB');
    }

    // The broker may have taken the first one yet, so that it comes twice; the second comes once.
    const keep = () => forDeadLetters(broker.url, {}, 'keep');
    await eventually(async () => expect((await keep()).letters.length).toBe(2));
    expect(await forDeadLetters(broker.url, {}, 'replay')).toMatchObject({ refused: 0, silent: false });
    const ids = events.map(({ id }) => id).sort();
    await eventually(() => expect([...new Set(order.received.map(({ id }) => id))].sort()).toEqual(ids));
    expect((await keep()).letters).toEqual([]);
  } finally {
    await transport.stop();
  }
});

test('a broker that is not there is said to be so', async () => {
  await expect(forDeadLetters('amqp://127.0.0.1:9', {}, 'keep')).rejects.toThrow(/ECONNREFUSED/);
});

test('what waits in a queue that nobody takes from is told, as batches after a return to a release that knows none', async () => {
  await emptyBroker(broker.url);
  const sender = new FakeService('inventory');
  const transport = amqpTransport(broker.url);
  const order = amqpTransport(broker.url);
  await transport.start(sender);
  await order.start(new FakeService('order'));
  try {
    // Given: a service that takes batches, and is gone.
    await transport.backlog();
    await order.stop();
    await transport.deliver([sender.record(anEvent('stock.commit-refused'))]);
    await eventually(async () => expect(await countUntaken(broker.url)).toEqual([['order.batches', 1]]));

    // When: processes of the release before listen.
    await withChannel(broker.url, async (channel) => {
      await channel.consume('order', () => {});
      expect(await countUntaken(broker.url)).toEqual([['order.batches', 1]]);
    });

    // Then: it is taken as soon as somebody takes batches.
    const back = amqpTransport(broker.url);
    await back.start(new FakeService('order'));
    await eventually(async () => expect(await countUntaken(broker.url)).toEqual([]));
    await back.stop();
  } finally {
    await Promise.all([transport.stop(), order.stop()]);
  }
});
