import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { anEvent } from '../testing/events.ts';
import { eventually } from '../testing/eventually.ts';
import { FakeService } from '../testing/fake-service.ts';
import { InProcessHop, Neighbours } from './in-process-transport.ts';
import { transportSuite, type FakeServices, type TestNetwork } from './transport.suite.ts';
import { Walker } from './walker.ts';

/** As `transportFor` makes it. */
const walkerAmong = (neighbours: Neighbours) =>
  new Walker({
    hop: new InProcessHop(neighbours, pino({ level: 'silent' })),
    log: pino({ level: 'silent' }),
    maxQueued: 20_000,
    maxRestMs: 0,
    walks: neighbours.walks,
  });

async function startNetwork(services: FakeServices): Promise<TestNetwork> {
  const neighbours = new Neighbours();
  for (const service of Object.values(services)) {
    service.transport = walkerAmong(neighbours);
    await service.transport.start(service);
  }
  return {
    takeDown: (name) => neighbours.leave(services[name]),
    bringUp: (name) => neighbours.join(services[name]),
    close: async () => {
      await Promise.all(Object.values(services).map(({ transport }) => transport!.stop()));
    },
  };
}

transportSuite('in-process', startNetwork);

describe('in-process transport, its own side of it', () => {
  let services: FakeServices;
  let network: TestNetwork;
  beforeEach(async () => {
    services = Object.fromEntries(serviceNames.map((name) => [name, new FakeService(name)])) as FakeServices;
    network = await startNetwork(services);
  });
  afterEach(() => network.close());

  const deliver = (record = services.inventory.record(anEvent('stock.commit-refused'))) =>
    services.inventory.transport!.deliver([record]).then(() => record);
  const told = () => services.inventory.undelivered.splice(0).map(({ kind }) => kind);

  test('what a handler does to an event is seen by nobody else, nor when the event is tried again', async () => {
    const event = anEvent('stock.held');
    const asItWas = structuredClone(event);
    const spoil = (target: object) => {
      for (const key of Object.keys(target)) (target as Record<string, unknown>)[key] = 'spoilt';
    };
    let tries = 0;
    services.order.failureOf = (received) => {
      spoil(received.data);
      return ++tries === 1 ? 'transient' : undefined;
    };
    services.reservation.failureOf = (received) => void spoil(received.data);
    const arrived: unknown[] = [];
    for (const service of [services.order, services.reservation]) {
      const receive = service.receive.bind(service);
      service.receive = (events, followUps) => {
        arrived.push(...structuredClone(events));
        return receive(events, followUps);
      };
    }
    const record = await deliver(services.inventory.record(event));
    await deliver(record);
    expect(tries).toBe(2);
    expect(arrived).toEqual([asItWas, asItWas, asItWas]);
    expect(record.events).toEqual([asItWas]);
  });

  test('what follows is not changed for its other receivers by the first', async () => {
    const follower = anEvent('stock.committed');
    const asItWas = structuredClone(follower);
    services.inventory.followUps = () => [follower];
    services.order.failureOf = (received) => void Object.assign(received.data, { orderId: 'spoilt' });
    await services.order.transport!.deliver([services.order.record(anEvent('order.paid'))]);
    expect(services.reservation.received).toEqual([asItWas]);
  });

  test('events of one moment for one service are one call', async () => {
    const records = Array.from({ length: 100 }, () => services.inventory.record(anEvent('stock.held')));
    await Promise.all([
      services.inventory.transport!.deliver(records.slice(0, 60)),
      services.inventory.transport!.deliver(records.slice(60)),
    ]);
    const sizes = (name: 'order' | 'reservation') => services[name].batches.map((batch) => batch.length);
    expect([sizes('order'), sizes('reservation')]).toEqual([[100], [100]]);
  });

  test('what cannot be read, as an event of a later release, fails whenever it comes, and alone', async () => {
    const [later, good] = [{ ...anEvent('stock.held'), version: 2 } as never, anEvent('stock.held')];
    const [unreadable, readable] = [later, good].map((event) => services.inventory.record(event));
    await services.inventory.transport!.deliver([unreadable!, readable!]);
    expect(told()).toEqual(['poison']);
    expect(services.inventory.acknowledged).toEqual([readable!.id]);
    for (const name of ['order', 'reservation'] as const) expect(services[name].received).toEqual([good]);
  });

  test('a service that is slow does not hinder another', async () => {
    const gate = Promise.withResolvers<void>();
    services.order.barrier = gate.promise;
    const slow = deliver();
    await eventually(() => expect(services.order.received.length).toBe(1));
    const quick = Array.from({ length: 3 }, () => services.inventory.record(anEvent('order.opened')));
    for (const record of quick) await deliver(record);
    expect(services.payment.received.length).toBe(3);
    expect(services.inventory.acknowledged).toEqual(quick.map(({ id }) => id));
    gate.resolve();
    await slow;
  });

  test('records are acknowledged at their owner at once', async () => {
    services.order.followUps = () => [anEvent('order.cancelled')];
    await deliver();
    expect(services.order.acknowledged.length).toBe(1);
  });

  test('a service that is not there is unreachable; when it is, what waits for it hears of that', async () => {
    await network.takeDown('order');
    const record = await deliver();
    expect(told()).toEqual(['unreachable']);
    await network.bringUp('order');
    await deliver(record);
    expect([services.inventory.reachable, services.inventory.acknowledged]).toEqual([1, [record.id]]);
  });

  test('so is one that has stopped, with its own transport', async () => {
    await services.order.transport!.stop();
    await deliver();
    expect(told()).toEqual(['unreachable']);
    expect(services.order.received).toEqual([]);
  });

  test('a service that handles nothing of what it is brought counts as away', async () => {
    services.order.failureOf = () => 'unreachable';
    const record = await deliver();
    expect(told()).toEqual(['unreachable']);
    services.order.failureOf = () => undefined;
    await deliver(record);
    expect(services.inventory.reachable).toBe(1);
  });

  test('an owner who is gone before its record is acknowledged hinders nobody: the record comes again', async () => {
    const gate = Promise.withResolvers<void>();
    services.payment.barrier = gate.promise;
    services.order.followUps = () => [anEvent('order.cancelled')];
    const delivered = deliver();
    await eventually(() => expect(services.payment.received.length).toBe(1));
    await network.takeDown('order');
    gate.resolve();
    await delivered;
    expect(services.order.acknowledged).toEqual([]);
  });

  test('a service that stops is there for the others until what they are at has come to its end', async () => {
    const gate = Promise.withResolvers<void>();
    services.payment.barrier = gate.promise;
    services.order.followUps = ({ type }) => (type === 'stock.commit-refused' ? [anEvent('order.refund-due')] : []);
    services.payment.followUps = () => [anEvent('payment.refunded')];
    const delivered = deliver();
    await eventually(() => expect(services.payment.received.length).toBe(1));
    const stopped = services.order.transport!.stop();
    gate.resolve();
    await Promise.all([delivered, stopped]);
    expect(services.order.received.map(({ type }) => type)).toEqual(['stock.commit-refused', 'payment.refunded']);
    expect([services.payment.undelivered, services.inventory.undelivered]).toEqual([[], []]);
  });

  test('of each service one instance is in a process', async () => {
    const neighbours = new Neighbours();
    const [first, second] = [walkerAmong(neighbours), walkerAmong(neighbours)];
    await first.start(services.order);
    expect(() => second.start(new FakeService('order'))).toThrow('order runs in this process already');
    await first.stop();
    await second.start(new FakeService('order'));
    await second.stop();
  });
});
