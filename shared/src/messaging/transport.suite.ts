import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { anEvent } from '../testing/events.ts';
import { eventually } from '../testing/eventually.ts';
import { FakeService } from '../testing/fake-service.ts';
import { contextOf, inContext } from './event-context.ts';
import type { OutboxRecord } from './transport.ts';

export type FakeServices = Record<ServiceName, FakeService>;

/** Several services that one kind of transport connects. */
export interface TestNetwork {
  /** Makes a service unreachable for the others, until it is brought up again. */
  takeDown(service: ServiceName): Promise<void> | void;
  bringUp(service: ServiceName): Promise<void> | void;
  /** Stops all transports that still run. */
  close(): Promise<void>;
}

export interface SuiteOptions {
  /**
   * Who brings an event again that a service could not handle. `outbox`: the record stays unacknowledged and its owner
   * delivers it again. `broker`: the record is acknowledged as soon as the broker has it, which then comes again by itself.
   */
  redelivery: 'outbox' | 'broker';
}

const largestBatch = 256;
const ofEach = <Value>(value: Value) => Object.fromEntries(serviceNames.map((name) => [name, value]));

/**
 * What every transport promises, whatever carries it. `makeNetwork` starts one transport a service and sets each
 * service's `transport`.
 */
export function transportSuite(
  name: string,
  makeNetwork: (services: FakeServices) => Promise<TestNetwork>,
  { redelivery }: SuiteOptions = { redelivery: 'outbox' },
): void {
  describe(`${name} transport`, () => {
    let services: FakeServices;
    let network: TestNetwork;

    beforeEach(async () => {
      services = Object.fromEntries(serviceNames.map((service) => [service, new FakeService(service)])) as FakeServices;
      network = await makeNetwork(services);
    });
    afterEach(async () => {
      await network.close();
    });

    const deliver = (...records: OutboxRecord[]) => services[records[0]!.owner].transport!.deliver(records);
    const idsAt = (service: ServiceName) => services[service].received.map(({ id }) => id);
    const acknowledged = (...records: OutboxRecord[]) =>
      eventually(() => {
        for (const { id, owner } of records) expect(services[owner].acknowledged).toContain(id);
      });
    /** Long enough for an acknowledgement that must not come to have come. */
    const notAcknowledged = async (...records: OutboxRecord[]) => {
      await sleep(250);
      for (const { id, owner } of records) expect(services[owner].acknowledged).not.toContain(id);
    };

    test('every subscriber receives an event, unchanged, and nobody else', async () => {
      const event = anEvent('stock.held');
      const record = services.inventory.record(event);
      await deliver(record);
      await acknowledged(record);
      await eventually(() => {
        expect(services.order.received).toEqual([event]);
        expect(services.reservation.received).toEqual([event]);
      });
      const others = serviceNames.filter((name) => !['order', 'reservation'].includes(name));
      for (const other of others) expect(services[other].received).toEqual([]);
    });

    test('each subscriber gets a copy of its own', async () => {
      await deliver(services.inventory.record(anEvent('stock.held')));
      await eventually(() => expect([idsAt('order').length, idsAt('reservation').length]).toEqual([1, 1]));
      expect(services.order.received[0]).not.toBe(services.reservation.received[0]);
    });

    test('what travels beside an event comes with it, when it is brought again too', async () => {
      const [first, second] = ['1', '2'].map((digit) => ({
        traceparent: `00-${digit.repeat(32)}-${'3'.repeat(16)}-01`,
      }));
      const opened = inContext(anEvent('order.opened'), second);
      let tries = 0;
      services.order.failureOf = ({ type }) => (type === 'stock.held' && tries++ === 0 ? 'transient' : undefined);
      services.order.followUps = ({ type }) => (type === 'stock.held' ? [opened] : []);
      const record = services.inventory.record(
        inContext(anEvent('stock.held'), first),
        anEvent('stock.commit-refused'),
        inContext(anEvent('stock.held'), second),
      );
      await deliver(record);
      if (redelivery === 'outbox') await deliver(record);
      const contextsAt = (service: ServiceName) =>
        services[service].received.map((event) => [event.id, contextOf(event)]);
      const [held, refused, other] = record.events.map(({ id }) => id);
      await eventually(() => {
        expect(tries).toBeGreaterThan(2);
        expect(contextsAt('order').filter(([id]) => id === held)).toEqual([
          [held, first],
          [held, first],
        ]);
        expect(contextsAt('order')).toContainEqual([refused, undefined]);
        expect(contextsAt('order')).toContainEqual([other, second]);
        expect(contextsAt('reservation')).toContainEqual([held, first]);
        expect(contextsAt('payment')).toContainEqual([opened.id, second]);
      });
    });

    test('a service is brought its own events, too', async () => {
      const event = anEvent('payment.requested');
      const record = services.payment.record(event);
      await deliver(record);
      await acknowledged(record);
      await eventually(() => expect(services.payment.received).toEqual([event]));
    });

    test('all events of a record are delivered', async () => {
      const record = services.inventory.record(anEvent('order.opened'), anEvent('stock.commit-refused'));
      await deliver(record);
      await acknowledged(record);
      await eventually(() => {
        expect(idsAt('payment')).toEqual([record.events[0]!.id]);
        expect(idsAt('order')).toEqual([record.events[1]!.id]);
      });
    });

    test('what follows from an event is carried on, to the end of the chain', async () => {
      const [held, opened, captured, paid, committed] = [
        anEvent('stock.held'),
        anEvent('order.opened'),
        anEvent('payment.captured'),
        anEvent('order.paid'),
        anEvent('stock.committed'),
      ];
      services.inventory.followUps = ({ type }) => (type === 'reservation.requested' ? [held] : [committed]);
      services.order.followUps = ({ type }) =>
        type === 'stock.held' ? [opened] : type === 'payment.captured' ? [paid] : [];
      services.payment.followUps = () => [captured];
      const record = services.reservation.record(anEvent('reservation.requested'));

      await deliver(record);
      const walked = () => {
        expect(idsAt('inventory')).toEqual([record.events[0]!.id, paid.id]);
        expect(idsAt('order')).toEqual([held.id, captured.id, committed.id]);
        expect(idsAt('payment')).toEqual([opened.id]);
        expect(idsAt('reservation')).toEqual([held.id, committed.id]);
      };
      // Without a broker, deliver has seen to the whole chain when it resolves: the request that waits for it may answer.
      if (redelivery === 'outbox') walked();
      await eventually(walked);
      await eventually(() => {
        const counts = serviceNames.map((service) => [service, services[service].acknowledged.length]);
        expect(Object.fromEntries(counts)).toEqual({
          ...ofEach(0),
          inventory: 2,
          reservation: 1,
          order: 2,
          payment: 1,
        });
      });
    });

    test('a record is acknowledged once, and to its owner only', async () => {
      const record = services.inventory.record(anEvent('stock.held'));
      await deliver(record);
      await acknowledged(record);
      await sleep(250);
      const acknowledgements = serviceNames.map((service) => [service, services[service].acknowledged]);
      expect(Object.fromEntries(acknowledgements)).toEqual({ ...ofEach([]), inventory: [record.id] });
    });

    test('a service that is down does not keep the others from being served; it gets its events when it is back', async () => {
      await network.takeDown('order');
      const [held, opened] = [
        services.inventory.record(anEvent('stock.held')),
        services.inventory.record(anEvent('order.opened')),
      ];
      await deliver(held, opened);
      await eventually(() => expect([idsAt('reservation').length, idsAt('payment').length]).toEqual([1, 1]));
      await acknowledged(opened);
      expect(idsAt('order')).toEqual([]);

      if (redelivery === 'outbox') await notAcknowledged(held);
      await network.bringUp('order');
      if (redelivery === 'outbox') await deliver(held);
      await eventually(() => expect(idsAt('order')).toEqual([held.events[0]!.id]));
      await acknowledged(held);
    });

    test('with everybody down, deliver still resolves', async () => {
      for (const service of serviceNames) if (service !== 'inventory') await network.takeDown(service);
      const record = services.inventory.record(anEvent('stock.held'), anEvent('stock.commit-refused'));
      await deliver(record);
      if (redelivery === 'outbox') await notAcknowledged(record);
    });

    test('an event that fails for now is brought again, and handled', async () => {
      let failures = 0;
      services.order.failureOf = () => (failures++ === 0 ? 'transient' : undefined);
      const record = services.inventory.record(anEvent('stock.commit-refused'));
      await deliver(record);
      await eventually(() => expect(failures).toBe(1));
      if (redelivery === 'outbox') {
        await notAcknowledged(record);
        await deliver(record);
      }
      await eventually(() => expect(failures).toBe(2));
      await acknowledged(record);
    });

    test('one event that always fails does not concern those it travels with', async () => {
      const records = Array.from({ length: 20 }, () => services.inventory.record(anEvent('stock.commit-refused')));
      const poison = records.splice(7, 1)[0]!;
      const follower = anEvent('order.cancelled');
      services.order.failureOf = ({ id }) => (id === poison.events[0]!.id ? 'poison' : undefined);
      services.order.followUps = ({ id }) => (id === records[8]!.events[0]!.id ? [follower] : []);

      await deliver(...records, poison);
      await acknowledged(...records);
      await eventually(() => {
        expect(idsAt('order')).toEqual(expect.arrayContaining(records.map(({ events }) => events[0]!.id)));
        expect(idsAt('payment')).toEqual([follower.id]);
      });
      if (redelivery === 'outbox') await notAcknowledged(poison);
    });

    test('a record of two events waits for both', async () => {
      const [good, bad] = [anEvent('order.opened'), anEvent('stock.commit-refused')];
      services.order.failureOf = () => 'transient';
      const record = services.inventory.record(good, bad);
      await deliver(record);
      await eventually(() => expect(idsAt('payment')).toEqual([good.id]));
      if (redelivery === 'outbox') await notAcknowledged(record);
    });

    test('what is delivered twice arrives twice: telling repeats apart is the inbox’s work', async () => {
      const record = services.inventory.record(anEvent('order.opened'));
      await deliver(record);
      await deliver(record);
      await eventually(() => expect(idsAt('payment')).toEqual([record.events[0]!.id, record.events[0]!.id]));
    });

    test(`a thousand events at once arrive each once, in batches of at most ${largestBatch}`, async () => {
      const records = Array.from({ length: 1_000 }, () => services.inventory.record(anEvent('stock.commit-refused')));
      await deliver(...records);
      await acknowledged(...records);
      await eventually(() => expect(idsAt('order').length).toBe(1_000));
      expect(new Set(idsAt('order')).size).toBe(1_000);
      const sizes = services.order.batches.map((batch) => batch.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(largestBatch);
    });

    test('deliveries at the same time do not get in each other’s way', async () => {
      const records = Array.from({ length: 40 }, (_, n) =>
        n % 2 ? services.inventory.record(anEvent('stock.held')) : services.payment.record(anEvent('payment.captured')),
      );
      await Promise.all(records.map((record) => deliver(record)));
      await acknowledged(...records);
      await eventually(() => expect(new Set(idsAt('order')).size).toBe(40));
      expect(idsAt('order').length).toBe(40);
    });

    test('stop finishes what is under way', async () => {
      const gate = Promise.withResolvers<void>();
      const follower = anEvent('order.cancelled');
      services.order.barrier = gate.promise;
      services.order.followUps = () => [follower];
      const record = services.inventory.record(anEvent('stock.commit-refused'));
      const happened: string[] = [];
      const delivered = deliver(record).then(() => void happened.push('delivered'));
      await eventually(() => expect(idsAt('order').length).toBe(1));

      const stopped = services.inventory.transport!.stop().then(() => void happened.push('stopped'));
      await sleep(50);
      if (redelivery === 'outbox') expect(happened).toEqual([]);
      gate.resolve();
      await Promise.all([delivered, stopped]);
      expect(happened).toEqual(['delivered', 'stopped']);
      expect(services.inventory.acknowledged).toEqual([record.id]);
      await eventually(() => expect(idsAt('payment')).toEqual([follower.id]));
    });

    test('it is healthy as long as events can be handed over', () => {
      expect(services.inventory.transport!.healthy()).toBe(true);
    });
  });
}
