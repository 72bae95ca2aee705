import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage, GetMessage } from 'amqplib';
import { deadLetterOf } from '@flash-sale/infra/dlq/dead-letter.ts';
import { createTestRabbitmq } from '@flash-sale/infra/testing/rabbitmq.ts';
import { subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { emptyBroker, startAmqpNetwork, amqpTransport } from '../testing/amqp-network.ts';
import { withChannel } from './amqp-channel.ts';
import { anEvent } from '../testing/events.ts';
import { eventually } from '../testing/eventually.ts';
import { FakeService } from '../testing/fake-service.ts';
import { startTcpProxy } from '../testing/tcp-proxy.ts';
import { retryPublication } from './amqp-messages.ts';
import {
  assertTopology,
  batchQueueOf,
  checkTopology,
  deadQueueOf,
  subscribingServices,
  topology,
  topologyMark,
} from './amqp-topology.ts';
import type { AmqpTransport } from './amqp-transport.ts';
import { transportSuite, type FakeServices } from './transport.suite.ts';
import type { OutboxRecord } from './transport.ts';

let broker: Awaited<ReturnType<typeof createTestRabbitmq>>;
beforeAll(async () => {
  broker = await createTestRabbitmq();
});
afterAll(() => broker.close());

interface Way {
  options: { maxBatchEvents?: number };
  queue: string;
  exchange: string;
  /** By which events of the payment service come, and not what a test loses. */
  ofPayment: readonly string[];
}

async function durationOf(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

transportSuite(
  'amqp',
  async (services) => {
    await emptyBroker(broker.url);
    return startAmqpNetwork(broker.url, services);
  },
  { redelivery: 'broker' },
);

transportSuite(
  'amqp, each event in a message of its own,',
  async (services) => {
    await emptyBroker(broker.url);
    return startAmqpNetwork(broker.url, services, { maxBatchEvents: 0 });
  },
  { redelivery: 'broker' },
);

describe('amqp transport, its own side of it', () => {
  let services: FakeServices;
  let network: Awaited<ReturnType<typeof startAmqpNetwork>>;
  beforeEach(async () => {
    services = Object.fromEntries(serviceNames.map((name) => [name, new FakeService(name)])) as FakeServices;
    await emptyBroker(broker.url);
    network = await startAmqpNetwork(broker.url, services, {
      prefetch: 80,
      confirmTimeoutMs: 3_000,
      retriesBeforeError: 2,
    });
  });
  afterEach(() => network.close());

  const { inventory, order } = { inventory: () => services.inventory, order: () => services.order };
  const aRecord = () => inventory().record(anEvent('stock.commit-refused'));
  const deliver = (...records: OutboxRecord[]) => inventory().transport!.deliver(records);
  const idsOf = (records: OutboxRecord[]) => records.map(({ events }) => events[0]!.id);
  const receivedIds = (service: FakeService) => service.received.map(({ id }) => id);
  /** How an event travels, and the bindings by which it comes to the order service. */
  const ways: [string, Way][] = [
    ['in a batch', { options: {}, queue: 'order.batches', exchange: 'batches', ofPayment: ['payment.order'] }],
    [
      'by itself',
      {
        options: { maxBatchEvents: 0 },
        queue: 'order',
        exchange: 'events',
        ofPayment: subscriptions.order.filter((type) => type !== 'stock.commit-refused'),
      },
    ],
  ];
  /** @returns what makes it as it was */
  async function rebind({ queue, exchange }: Way, keys: readonly string[]): Promise<() => Promise<void>> {
    const usual = topology.bindings.filter((one) => one.queue === queue && one.exchange === exchange);
    const change = (away: readonly string[], there: readonly string[]) =>
      withChannel(broker.url, async (channel) => {
        for (const key of there) await channel.bindQueue(queue, exchange, key);
        for (const key of away) if (!there.includes(key)) await channel.unbindQueue(queue, exchange, key);
      });
    const usualKeys = usual.map(({ key }) => key);
    await change(usualKeys, keys);
    return () => change(keys, usualKeys);
  }
  const publish = (content: string, options = {}) =>
    withChannel(broker.url, async (channel) => {
      channel.sendToQueue('order', Buffer.from(content), options);
      await channel.waitForConfirms();
    });
  const takeDead = () => takeFrom(deadQueueOf('order'));
  const ready = (queue: string) =>
    withChannel(broker.url, async (channel) => (await channel.checkQueue(queue)).messageCount);
  /** In both queues of the service. */
  const waitingFor = async (service: ServiceName) => (await ready(service)) + (await ready(batchQueueOf(service)));
  /** What waits in a queue, the oldest first; it is taken out. */
  const takeFrom = (queue: string) =>
    withChannel(broker.url, async (channel) => {
      const taken: GetMessage[] = [];
      for (let one; (one = await channel.get(queue, { noAck: true }));) taken.push(one);
      return taken;
    });
  /** A service beside the others, connected as it is told, for as long as the work lasts. */
  const beside = async <Result>(
    name: ServiceName | FakeService,
    options: Parameters<typeof amqpTransport>[1],
    work: (service: FakeService, transport: AmqpTransport) => Promise<Result>,
  ) => {
    const service = typeof name === 'string' ? new FakeService(name) : name;
    const transport = amqpTransport(broker.url, options);
    service.transport = transport;
    await transport.start(service);
    try {
      await transport.backlog();
      return await work(service, transport);
    } finally {
      await transport.stop();
    }
  };

  test('two instances of a service share its queue', async () => {
    const second = new FakeService('order');
    const transport = amqpTransport(broker.url, { prefetch: 80 });
    await transport.start(second);
    try {
      const records = Array.from({ length: 100 }, aRecord);
      await deliver(...records);
      await eventually(() => {
        expect([...receivedIds(order()), ...receivedIds(second)].sort()).toEqual(idsOf(records).sort());
      });
      expect(order().received.length).toBeGreaterThan(0);
      expect(second.received.length).toBeGreaterThan(0);
    } finally {
      await transport.stop();
    }
  });

  test('a message says what it carries', async () => {
    await network.takeDown('order');
    const record = aRecord();
    await beside('inventory', { maxBatchEvents: 0 }, (_service, transport) => transport.deliver([record]));
    const [event] = record.events;
    const [message, ...others] = await takeFrom('order');
    expect(others).toEqual([]);
    expect(message).toMatchObject({
      fields: { exchange: 'events', routingKey: event!.type },
      properties: { messageId: event!.id, type: event!.type, contentType: 'application/json', deliveryMode: 2 },
    });
    expect(JSON.parse(message!.content.toString())).toEqual(event);
  });

  test('the events of a record that go to one service travel in one message', async () => {
    await network.takeDown('order');
    await network.takeDown('payment');
    const [refused, opened, released] = [
      anEvent('stock.commit-refused'),
      anEvent('order.opened'),
      anEvent('stock.released'),
    ];
    await deliver(inventory().record(refused, opened, released));
    await eventually(async () =>
      expect([await ready('order.batches'), await ready('payment.batches')]).toEqual([1, 1]),
    );
    const batches = [...(await takeFrom('order.batches')), ...(await takeFrom('payment.batches'))];
    expect(batches.map(({ content }) => JSON.parse(content.toString()) as unknown)).toEqual([
      [refused, released],
      [opened],
    ]);
    expect(batches).toMatchObject([
      {
        fields: { exchange: 'batches', routingKey: 'stock.order' },
        properties: { messageId: refused.id, type: 'batch', contentType: 'application/json', deliveryMode: 2 },
      },
      { fields: { exchange: 'batches', routingKey: 'order.payment' } },
    ]);
    expect([await ready('order'), await ready('payment')]).toEqual([0, 0]);
    await eventually(() => expect(receivedIds(services.reservation)).toEqual([released.id]));
  });

  describe('a batch', () => {
    const five = () => inventory().record(...Array.from({ length: 5 }, () => anEvent('stock.commit-refused')));

    test('of which one event fails for now is done but for that one, which waits and comes again by itself', async () => {
      const record = five();
      const failing = record.events[2]!;
      let failures = 0;
      order().failureOf = ({ id }) => (id === failing.id && failures++ === 0 ? 'transient' : undefined);
      await deliver(record);
      await eventually(() => expect(order().batches).toEqual([record.events, [failing]]));
      await eventually(async () => expect([await waitingFor('order'), await ready('retry.1s')]).toEqual([0, 0]));
      await network.takeDown('order');
      expect(await waitingFor('order')).toBe(0);
    });

    test('of which one event can never be handled is done but for that one, which is put aside as if it had come by itself', async () => {
      const record = five();
      const poison = record.events[2]!;
      order().failureOf = ({ id }) => (id === poison.id ? 'poison' : undefined);
      await deliver(record);
      await eventually(() => expect(network.transportOf('order').deadLetters().unhandleable).toBe(1));
      expect(order().batches).toEqual([record.events]);
      const [dead, ...others] = await takeDead();
      expect(others).toEqual([]);
      expect(JSON.parse(dead!.content.toString())).toEqual(poison);
      expect(dead!.properties).toMatchObject({
        messageId: poison.id,
        type: poison.type,
        headers: { 'x-reason': 'told to fail: poison', 'x-original-type': poison.type, 'x-first-key': poison.type },
      });
      expect(await waitingFor('order')).toBe(0);
    });

    test('that carries what cannot be read, or what its sender may not tell of, is done but for that', async () => {
      const [good, foreign] = [anEvent('stock.held'), anEvent('payment.captured')];
      const content = JSON.stringify([{ ...good, id: '1' }, 'hello', foreign, good]);
      await withChannel(broker.url, async (channel) => {
        channel.publish('batches', 'stock.order', Buffer.from(content));
        await channel.waitForConfirms();
      });
      await eventually(() => expect(network.transportOf('order').deadLetters().unreadable).toBe(3));
      expect(order().batches).toEqual([[good]]);
      const dead = await takeDead();
      expect(new Set(dead.map(({ content: one }) => one.toString()))).toEqual(
        new Set([JSON.stringify({ ...good, id: '1' }), '"hello"', JSON.stringify(foreign)]),
      );
      const key = dead.find(({ properties }) => properties.messageId === foreign.id)!.properties.headers;
      expect(key).toMatchObject({ 'x-first-key': 'stock.order', 'x-reason': expect.stringMatching(/came by the key/) });
    });

    test('that carries ids and types that no property can hold is done but for that, which is put aside', async () => {
      const good = anEvent('stock.held');
      const names = ['i'.repeat(256), 'ä'.repeat(128), '\ud800'];
      const broken = [
        ...names.map((id) => ({ ...good, id })),
        ...names.map((name) => ({ ...good, type: `stock.${name}` })),
      ];
      await withChannel(broker.url, async (channel) => {
        channel.publish('batches', 'stock.order', Buffer.from(JSON.stringify([...broken, good])));
        await channel.waitForConfirms();
      });
      await eventually(() => expect(network.transportOf('order').deadLetters().unreadable).toBe(broken.length));
      expect(order().batches).toEqual([[good]]);
      const dead = await takeDead();
      expect(dead.map(({ content }) => content.toString()).sort()).toEqual(
        broken.map((one) => JSON.stringify(one)).sort(),
      );
      await network.takeDown('order');
      expect([await waitingFor('order'), await ready('retry.1s')]).toEqual([0, 0]);
    });

    test('that is not handled for an outage is held, and only what is still open of it is tried again', async () => {
      const record = five();
      const open = new Set(record.events.slice(3).map(({ id }) => id));
      order().failureOf = ({ id }) => (open.delete(id) ? 'unreachable' : undefined);
      await deliver(record);
      await eventually(() => expect(order().batches).toEqual([record.events, record.events.slice(3)]));
      await network.takeDown('order');
      expect([await waitingFor('order'), await ready('retry.1s')]).toEqual([0, 0]);
    });

    test('waits where more events are being handled than may be', async () => {
      await network.takeDown('order');
      await deliver(five(), five(), five(), inventory().record(anEvent('stock.commit-refused')));
      const gate = Promise.withResolvers<void>();
      const busy = new FakeService('order');
      busy.barrier = gate.promise;
      await beside(busy, { prefetch: 12 }, async (service) => {
        await eventually(() => expect(service.received).toHaveLength(10));
        await sleep(100); // long enough for one that must not come
        expect(service.received).toHaveLength(10);
        gate.resolve();
        await eventually(() => expect(service.received).toHaveLength(16));
      });
    });

    test('for one of two services that had no queue for it is sent to that one again', async () => {
      const restore = await rebind(ways[0]![1], []);
      const record = inventory().record(anEvent('stock.held'), anEvent('stock.released'));
      await deliver(record);
      expect(inventory().undelivered).toEqual([{ record, kind: 'unreachable' }]);
      await restore();
      await deliver(record);
      await eventually(() => expect(order().batches).toEqual([record.events]));
      expect(services.reservation.batches).toEqual([record.events]);
      expect(inventory().acknowledged).toEqual([record.id]);
    });
  });

  describe('while a release is rolled out', () => {
    /** A service of the release before, which knows one queue. */
    const old = (queue: string, work: (came: ConsumeMessage[]) => Promise<void>) =>
      withChannel(broker.url, async (channel) => {
        const came: ConsumeMessage[] = [];
        await channel.consume(queue, (message) => void (message && came.push(message)), { noAck: true });
        await work(came);
      });

    test('a service of which nobody takes batches yet is brought each event by itself, and batches as soon as somebody does', async () => {
      await network.takeDown('order');
      await old('order', async (came) => {
        const record = inventory().record(anEvent('stock.held'), anEvent('stock.released'));
        await inventory().transport!.backlog!();
        await deliver(record);
        await eventually(() => expect(came.map(({ fields }) => fields.routingKey)).toEqual(['stock.held', 'stock.released'])); // prettier-ignore
        expect(await ready('order.batches')).toBe(0);
        await network.bringUp('order');
        await inventory().transport!.backlog!();
        const next = aRecord();
        await deliver(next);
        await eventually(() => expect(receivedIds(order())).toContain(next.events[0]!.id));
        expect(order().batches).toContainEqual(next.events);
        expect(came).toHaveLength(2);
      });
    });

    test('a service that takes no batches is sent none while nobody of it listens, as when the broker has just been started', async () => {
      await network.takeDown('order');
      await old('order', () => inventory().transport!.backlog!().then(() => {}));
      await inventory().transport!.backlog!();
      await deliver(aRecord());
      expect([await ready('order'), await ready('order.batches')]).toEqual([1, 0]);
    });

    test('what the release before has sent is read to its end, be it in the queue or among the retries', async () => {
      await network.takeDown('order');
      const records = Array.from({ length: 10 }, aRecord);
      await beside('inventory', { maxBatchEvents: 0 }, (_service, transport) => transport.deliver(records));
      expect(await ready('order')).toBe(10);
      await withChannel(broker.url, async (channel) => {
        const message = (await channel.get('order', { noAck: true })) as GetMessage;
        const { exchange, routingKey, content, options } = retryPublication(message, 'order', new Date());
        channel.publish(exchange, routingKey, content, options);
        await channel.waitForConfirms();
      });
      const batch = inventory().record(anEvent('stock.released'), anEvent('stock.commit-refused'));
      await deliver(batch);
      expect(await ready('order.batches')).toBe(1);
      await network.bringUp('order');
      const all = [...idsOf(records), ...batch.events.map(({ id }) => id)];
      await eventually(() => expect(receivedIds(order()).sort()).toEqual(all.sort()));
      await network.takeDown('order');
      expect([await waitingFor('order'), await ready('retry.1s')]).toEqual([0, 0]);
    });
  });

  test.each([
    ['no JSON', '{'],
    ['no event', '"hello"'],
    ['of an unknown type', JSON.stringify({ ...anEvent('stock.held'), type: 'stock.vanished' })],
    ['of a newer version', JSON.stringify({ ...anEvent('stock.held'), version: 2 })],
  ])('a message that is %s is put aside, and its neighbours are handled', async (_what, content) => {
    const [before, after] = [aRecord(), aRecord()];
    await deliver(before);
    await publish(content, { messageId: 'strange', type: 'stock.strange' });
    await deliver(after);
    await eventually(() =>
      expect(network.transportOf('order').deadLetters()).toEqual({ unreadable: 1, unhandleable: 0 }),
    );
    await eventually(() => expect(receivedIds(order())).toEqual(idsOf([before, after])));
    const left = () => network.transportOf('order').deadLettersLeft();
    await eventually(async () => expect(await left()).toBe(1));
    const [dead, ...others] = await takeDead();
    await eventually(async () => expect(await left()).toBe(0));
    expect(others).toEqual([]);
    expect(dead!.content.toString()).toBe(content);
    expect(dead!.properties).toMatchObject({
      messageId: 'strange',
      headers: {
        'x-reason': expect.stringMatching(/^not readable: /),
        'x-original-type': 'stock.strange',
        'x-service': 'order',
        'x-first-failure': expect.stringMatching(/^\d{4}-/),
      },
    });
  });

  test('of 256 events only the poisonous one is put aside, with its reason', async () => {
    const records = Array.from({ length: 256 }, aRecord);
    const poison = records[100]!.events[0]!;
    order().failureOf = ({ id }) => (id === poison.id ? 'poison' : undefined);
    await deliver(...records);
    await eventually(() => expect(new Set(receivedIds(order())).size).toBe(256));
    await eventually(() =>
      expect(network.transportOf('order').deadLetters()).toEqual({ unreadable: 0, unhandleable: 1 }),
    );
    const dead = await takeDead();
    expect(dead.map(({ properties }) => properties.messageId as string)).toEqual([poison.id]);
    expect(dead[0]!.properties.headers).toMatchObject({ 'x-reason': 'told to fail: poison', 'x-retry-count': 0 });
    expect(await waitingFor('order')).toBe(0);
  });

  test('an event that fails for now waits a second, and knows how often it has come', async () => {
    const cameAt: number[] = [];
    order().failureOf = () => {
      cameAt.push(performance.now());
      return cameAt.length === 1 ? 'transient' : undefined;
    };
    const record = aRecord();
    await deliver(record);
    const waiting = await eventually(() =>
      withChannel(broker.url, async (channel) => {
        const message = await channel.get('retry.1s');
        expect(message).toBeTruthy();
        return message as GetMessage; // comes back into the queue with the end of the channel
      }),
    );
    expect(waiting.properties).toMatchObject({
      messageId: record.events[0]!.id,
      headers: { 'x-retry-count': 1, 'x-first-failure': expect.stringMatching(/^\d{4}-/) },
    });
    await eventually(() => expect(receivedIds(order())).toEqual([record.events[0]!.id, record.events[0]!.id]));
    expect(cameAt[1]! - cameAt[0]!).toBeGreaterThan(900);
    await eventually(async () => expect([await waitingFor('order'), await ready('retry.1s')]).toEqual([0, 0]));
    expect(network.transportOf('order').deadLetters()).toEqual({ unreadable: 0, unhandleable: 0 });
  });

  test('an event that fails for now is never given up, however often it does', async () => {
    let failures = 0;
    order().failureOf = () => (++failures <= 2 ? 'transient' : undefined);
    await publish(JSON.stringify(anEvent('stock.commit-refused')), { headers: { 'x-retry-count': 0 } });
    await eventually(() => expect(order().received).toHaveLength(3));
    expect(await ready(deadQueueOf('order'))).toBe(0);
  });

  test('an event that takes long does not hold up the others, however many', async () => {
    const slow = anEvent('stock.commit-refused');
    const gate = Promise.withResolvers<void>();
    const receive = order().receive.bind(order());
    order().receive = async (events, followUps) => {
      if (events[0]!.id === slow.id) await gate.promise;
      return receive(events, followUps);
    };
    const records = Array.from({ length: 200 }, aRecord);
    await deliver(inventory().record(slow), ...records);
    await eventually(() => expect(receivedIds(order()).length).toBe(200));
    gate.resolve();
    await eventually(() => expect(receivedIds(order())).toContain(slow.id));
    await network.takeDown('order');
    expect(await waitingFor('order')).toBe(0);
  });

  test.each(ways)('an event that finds no queue is not acknowledged; the rest is (%s)', async (_way, way) => {
    await beside('inventory', way.options, async (sender, transport) => {
      const restore = await rebind(way, way.ofPayment);
      const [lost, arrives] = [aRecord(), inventory().record(anEvent('payment.declined'))];
      await transport.deliver([lost, arrives]);
      expect(sender.acknowledged).toEqual([arrives.id]);
      // Others have got through since: it is the record’s fault, and the attempt counts.
      await transport.deliver([lost]);
      expect(sender.undelivered).toEqual([
        { record: lost, kind: 'unreachable' },
        { record: lost, kind: 'transient' },
      ]);
      await restore();
      await transport.deliver([lost]);
      expect(sender.acknowledged).toEqual([arrives.id, lost.id]);
    });
  });

  test.each(ways)('when all events of a service find no queue, that is an outage (%s)', async (_way, way) => {
    await beside('inventory', way.options, async (sender, transport) => {
      const restore = await rebind(way, []);
      const records = Array.from({ length: 4 }, aRecord);
      for (let n = 0; n < 3; n += 1) for (const record of records) await transport.deliver([record]);
      await restore();
      const kinds = sender.undelivered.map(({ kind }) => kind);
      expect(kinds).toEqual(Array(12).fill('unreachable'));
    });
  });

  test('a full queue is the broker’s state, and nobody’s fault', async () => {
    await network.takeDown('order');
    const limit = async (action: 'set' | 'clear') => {
      const definition = JSON.stringify({ 'max-length': 1 });
      if (action === 'set')
        await broker.control('set_policy', 'full', '^order([.]batches)?$', definition, '--apply-to', 'queues');
      else await broker.control('clear_policy', 'full');
    };
    await limit('set');
    try {
      await eventually(async () => {
        const record = aRecord();
        await deliver(record);
        expect(inventory().undelivered.at(-1)).toEqual({ record, kind: 'unreachable' });
      });
      expect(inventory().transport!.healthy()).toBe(true);
    } finally {
      await limit('clear');
    }
  });

  test('a message that the broker closes the channel over is at fault; what travelled with it gets through', async () => {
    const maxBytes = 2_000;
    const setMost = (bytes: number) =>
      broker.control('eval', `application:set_env(rabbit, max_message_size, ${bytes}).`);
    await setMost(maxBytes);
    const transport = amqpTransport(broker.url);
    const sender = new FakeService('payment');
    try {
      await transport.start(sender);
      const event = anEvent('stock.commit-refused');
      const tooLarge = sender.record({ ...event, data: { ...event.data, more: 'x'.repeat(maxBytes) } } as never);
      const small = sender.record(anEvent('order.cancelled'));
      await transport.deliver([tooLarge, small]);
      await eventually(() => expect(sender.undelivered).toContainEqual({ record: tooLarge, kind: 'transient' }));
      await eventually(async () => {
        await transport.deliver([small]);
        expect(sender.acknowledged).toContain(small.id);
      });
      expect(sender.acknowledged).not.toContain(tooLarge.id);
    } finally {
      await setMost(134_217_728);
      await transport.stop();
    }
  });

  describe('a service that handles nothing, as without its database,', () => {
    test('is asked again for what it holds, and no event goes to wait elsewhere', async () => {
      order().failureOf = () => 'unreachable';
      const records = Array.from({ length: 5 }, aRecord);
      await deliver(...records);
      await eventually(() => expect(order().received.length).toBeGreaterThan(15));
      expect([await ready('retry.1s'), await ready('retry.5s')]).toEqual([0, 0]);
      order().failureOf = () => undefined;
      const before = order().received.length;
      await eventually(() => expect(receivedIds(order()).slice(before).sort()).toEqual(idsOf(records).sort()));
      await network.takeDown('order');
      expect(await waitingFor('order')).toBe(0);
    });

    test('leaves them to others after a while, who may be well', async () => {
      await network.takeDown('order');
      const transport = amqpTransport(broker.url, { holdMs: 1 });
      const service = new FakeService('order');
      service.failureOf = () => 'unreachable';
      await transport.start(service);
      try {
        await deliver(aRecord());
        await eventually(async () => expect(await ready('retry.1s')).toBe(1));
      } finally {
        await transport.stop();
      }
    });

    test('stops, and what it held is still there', async () => {
      order().failureOf = () => 'unreachable';
      await deliver(aRecord(), aRecord());
      await eventually(() => expect(order().received.length).toBeGreaterThanOrEqual(2));
      await network.takeDown('order');
      await eventually(async () => expect(await waitingFor('order')).toBe(2));
    });
  });

  test('stop waits for what is being handled, and acknowledges it', async () => {
    const gate = Promise.withResolvers<void>();
    order().barrier = gate.promise;
    const records = Array.from({ length: 10 }, aRecord);
    await deliver(...records);
    await eventually(() => expect(order().received.length).toBe(10));
    const stopped = network.takeDown('order');
    gate.resolve();
    await stopped;
    expect(await waitingFor('order')).toBe(0);
  });

  test('stop ends what has hardly begun, and never runs into its limit, however much comes', async () => {
    await network.takeDown('order');
    const limitMs = 5_000;
    let feeding = true;
    const feed = (async () => {
      while (feeding) await deliver(...Array.from({ length: 20 }, aRecord));
    })();
    try {
      for (let round = 0; round < 20; round += 1) {
        const transport = amqpTransport(broker.url, { prefetch: 20 });
        await transport.start(new FakeService('order'));
        const stoppedAfterMs = await durationOf(transport.stop());
        expect(stoppedAfterMs).toBeLessThan(limitMs);
      }
    } finally {
      feeding = false;
      await feed;
    }
  });

  test('how much is unconfirmed is counted in events', async () => {
    await beside('inventory', { maxUnconfirmed: 10 }, async (sender, transport) => {
      const four = () => sender.record(...Array.from({ length: 4 }, () => anEvent('stock.commit-refused')));
      const records = [four(), four(), four()];
      await transport.deliver(records);
      expect(sender.acknowledged).toEqual(records.slice(0, 2).map(({ id }) => id));
      // One that is larger than all that may be unconfirmed would never go with others.
      const large = sender.record(...Array.from({ length: 11 }, () => anEvent('stock.commit-refused')));
      await transport.deliver([large]);
      expect(sender.acknowledged).toContain(large.id);
    });
  });

  test('more than may be unconfirmed stays in the outbox', async () => {
    const transport = amqpTransport(broker.url, { maxUnconfirmed: 10 });
    await transport.start(new FakeService('user'));
    const owner = new FakeService('inventory');
    const second = amqpTransport(broker.url, { maxUnconfirmed: 10 });
    await second.start(owner);
    await second.deliver(Array.from({ length: 15 }, aRecord));
    expect(owner.acknowledged.length).toBe(10);
    await Promise.all([transport.stop(), second.stop()]);
  });

  test.each([
    ['each by itself', 0, 100],
    ['in batches of one', 256, 100],
    ['in one batch', 256, 1],
    ['in several batches', 256, 10],
  ])(
    'who dies over an event does not take along those that were brought with it (%s)',
    async (_how, maxBatchEvents, count) => {
      // prettier-ignore
      const records = Array.from({ length: count }, () =>
      inventory().record(...Array.from({ length: 100 / count }, () => anEvent('stock.commit-refused'))),
    );
      const deadly = records.flatMap(({ events }) => events)[40]!;
      await network.takeDown('order');
      await beside('inventory', { maxBatchEvents }, (_service, transport) => transport.deliver(records));
      const proxy = await startTcpProxy(broker.url);
      const service = new FakeService('order');
      const transport = amqpTransport(proxy.url);
      // To the broker, a process that was killed and started again is a connection that was lost and made anew.
      const transactionMs = 20;
      let deaths = 0;
      const handled = new Set<string>();
      service.receive = async (events) => {
        const diedBefore = deaths;
        const isDeadly = events.some(({ id }) => id === deadly.id);
        // Before anything that came with it, or shortly before it, is committed.
        await sleep(isDeadly ? transactionMs / 2 : transactionMs);
        if (deaths === diedBefore && isDeadly) {
          deaths += 1;
          await proxy.cut();
          await proxy.restore();
        }
        if (deaths === diedBefore) for (const { id } of events) handled.add(id);
        return { failures: [], records: [], delivered: Promise.resolve() };
      };
      try {
        await transport.start(service);
        const dead = await eventually(async () => {
          const taken = await takeDead();
          expect(taken.length).toBeGreaterThan(0);
          return taken;
        });
        await eventually(() => expect(handled.size).toBe(99));
        const all = [...dead, ...(await takeDead())];
        expect(all.map(({ properties }) => properties.messageId as string)).toEqual([deadly.id]);
        expect(deadLetterOf(all[0]!, 'order').reason).toMatch(/came back too often/);
        expect(JSON.parse(all[0]!.content.toString())).toEqual(deadly);
        expect(deaths).toBeGreaterThan(20);
      } finally {
        await transport.stop();
        await proxy.close();
      }
    },
  );

  test('what waits for its confirm has an age; when its connection is lost it is told of, and the rest of it is sent again', async () => {
    const proxy = await startTcpProxy(broker.url);
    const transport = amqpTransport(proxy.url, { confirmTimeoutMs: 100 });
    const sender = new FakeService('payment');
    sender.transport = transport;
    try {
      await transport.start(sender);
      expect(transport.oldestUnconfirmedMs()).toBeUndefined();
      proxy.stall();
      const record = sender.record(anEvent('order.cancelled'), anEvent('stock.commit-refused'));
      await transport.deliver([record]);
      await eventually(() => expect(transport.oldestUnconfirmedMs()).toBeGreaterThan(200));
      // It may still be confirmed, so nobody is told to send it again.
      expect([sender.undelivered, transport.healthy()]).toEqual([[], true]);
      const before = sender.reachable;
      await proxy.restore();
      await eventually(() => expect(sender.undelivered).toEqual([{ record, kind: 'unreachable' }]));
      await eventually(() => expect(sender.reachable).toBeGreaterThan(before));
      await transport.deliver([record]);
      await eventually(() => expect(sender.acknowledged).toEqual([record.id]));
      expect(transport.oldestUnconfirmedMs()).toBeUndefined();
    } finally {
      await transport.stop();
      await proxy.close();
    }
  });

  describe('its backlog', () => {
    const backlog = () => inventory().transport!.backlog!();
    const nothing = Object.fromEntries(subscribingServices.map((name) => [name, 0]));

    test('is what waits for each service', async () => {
      expect(await backlog()).toEqual(nothing);
      await network.takeDown('order');
      await network.takeDown('payment');
      await deliver(...Array.from({ length: 7 }, aRecord), order().record(anEvent('order.cancelled')));
      expect(await backlog()).toEqual({ ...nothing, order: 7, payment: 1 });
      await network.bringUp('order');
      await eventually(async () => expect(await backlog()).toEqual({ ...nothing, payment: 1 }));
    });

    test('counts the events in batches, not the messages', async () => {
      await network.takeDown('order');
      const records = Array.from({ length: 4 }, () =>
        inventory().record(...Array.from({ length: 5 }, () => anEvent('stock.commit-refused'))),
      );
      await deliver(...records);
      expect(await ready('order.batches')).toBe(4);
      expect(await backlog()).toEqual({ ...nothing, order: 20 });
    });

    test('is not waited for while the broker is short of memory', async () => {
      await network.takeDown('order');
      await deliver(aRecord());
      expect(await backlog()).toEqual({ ...nothing, order: 1 });
      await broker.control('set_vm_memory_high_watermark', '0');
      try {
        // It hears of it with the first message that the broker does not take any more.
        const [first, second] = [aRecord(), aRecord()];
        await deliver(first);
        await eventually(() => expect(inventory().transport!.healthy()).toBe(false));
        expect(await backlog()).toEqual({});
        await deliver(second);
        expect(inventory().acknowledged).not.toContain(second.id);
      } finally {
        await broker.control('set_vm_memory_high_watermark', 'absolute', '512MB');
      }
      await eventually(async () => expect(await backlog()).toEqual({ ...nothing, order: 2 }));
      await eventually(() => expect(inventory().transport!.healthy()).toBe(true));
    });
  });

  describe('without a broker', () => {
    const sweep = (service: FakeService, records: OutboxRecord[]) =>
      eventually(async () => {
        await service.transport!.deliver(records.filter(({ id }) => !service.acknowledged.includes(id)));
        for (const { id } of records) expect(service.acknowledged).toContain(id);
      });
    const healthy = () => serviceNames.map((name) => services[name].transport!.healthy());

    test.each(['stop', 'kill'] as const)('after a %s everything that was delivered arrives', async (how) => {
      const [before, during] = [Array.from({ length: 50 }, aRecord), Array.from({ length: 50 }, aRecord)];
      await deliver(...before);
      await broker[how]();
      await eventually(() => expect(healthy()).toEqual(serviceNames.map(() => false)));
      expect(await inventory().transport!.backlog!()).toEqual({});
      await deliver(...during);
      for (const { id } of during) expect(inventory().acknowledged).not.toContain(id);

      await broker.start();
      await sweep(inventory(), [...before, ...during]);
      await eventually(() => {
        expect([...new Set(receivedIds(order()))].sort()).toEqual(idsOf([...before, ...during]).sort());
      });
      await eventually(() => expect(healthy()).toEqual(serviceNames.map(() => true)));
    });

    test('what it has not confirmed is told of when the connection is lost, and so is its return', async () => {
      const sender = inventory();
      await broker.stop();
      await eventually(() => expect(sender.transport!.healthy()).toBe(false));
      const record = aRecord();
      await deliver(record);
      expect(sender.undelivered).toEqual([{ record, kind: 'unreachable' }]);
      const before = sender.reachable;
      await broker.start();
      await eventually(() => expect(sender.reachable).toBeGreaterThan(before));
      await deliver(record);
      await eventually(() => expect(sender.acknowledged).toEqual([record.id]));
      expect(sender.transport!.oldestUnconfirmedMs!()).toBeUndefined();
    });

    test('nothing is lost when it dies in the middle of deliveries', async () => {
      const records = Array.from({ length: 2_000 }, aRecord);
      const delivered = deliver(...records);
      await eventually(() => expect(order().received.length).toBeGreaterThan(0));
      await broker.kill();
      await delivered;
      await broker.start();
      await sweep(inventory(), records);
      await eventually(() => expect(new Set(receivedIds(order())).size).toBe(2_000));
    });

    test('one that lacks something is as good as away: that is named, nothing is declared, and all goes on when it is there', async () => {
      await network.close();
      const exchanges = [...topology.exchanges.map(({ name }) => name), topologyMark];
      const missing: [what: string, remove: (channel: Channel) => Promise<unknown>][] = [
        ...topology.queues.map(({ name }): (typeof missing)[number] => [`queue ${name}`, (on) => on.deleteQueue(name)]),
        ...exchanges.map((name): (typeof missing)[number] => [`exchange ${name}`, (on) => on.deleteExchange(name)]),
      ];
      for (const [what, remove] of missing) {
        await withChannel(broker.url, remove);
        const reasons: string[] = [];
        const log = { warn: ({ reason }: { reason: string }) => void reasons.push(reason), info: () => undefined };
        const transport = amqpTransport(broker.url, { log: log as never });
        const service = new FakeService('order');
        service.transport = transport;
        try {
          await transport.start(service);
          expect(reasons).toEqual([expect.stringContaining(`RabbitMQ has no ${what}: the set-up`)]);
          expect(transport.healthy()).toBe(false);
          await expect(withChannel(broker.url, checkTopology)).rejects.toThrow(`no ${what}:`);
          await withChannel(broker.url, assertTopology);
          await eventually(() => expect(transport.healthy()).toBe(true));
          await sweep(service, [service.record(anEvent('order.paid'))]);
        } finally {
          await transport.stop();
        }
      }
    });

    test('a service starts without it, and finds it when it comes', async () => {
      await network.close();
      await broker.stop();
      const transports: AmqpTransport[] = [];
      try {
        const lines: string[] = [];
        const log = { warn: (_: object, line: string) => lines.push(line), info: (line: string) => lines.push(line) };
        const late = amqpTransport(broker.url, { log: log as never });
        transports.push(late);
        const service = new FakeService('order');
        service.transport = late;
        await late.start(service);
        expect(late.healthy()).toBe(false);
        await late.deliver([service.record(anEvent('order.paid'))]);
        expect(service.acknowledged).toEqual([]);
        await broker.start();
        await eventually(() => expect(late.healthy()).toBe(true));
        await sweep(service, [service.record(anEvent('order.paid'))]);
        // Said when both connections stand; events travel as soon as one does.
        await eventually(() => expect(lines).toEqual(['RabbitMQ is away', 'RabbitMQ is back']));
      } finally {
        for (const transport of transports) await transport.stop();
      }
    });
  });
});
