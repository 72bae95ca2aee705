import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { newId } from '../ids.ts';
import { anEvent } from '../testing/events.ts';
import { eventually } from '../testing/eventually.ts';
import { FakeService } from '../testing/fake-service.ts';
import { internalToken, startHttpNetwork } from '../testing/http-network.ts';
import { contextOf, inContext } from './event-context.ts';
import { transportSuite, type FakeServices } from './transport.suite.ts';

transportSuite('http', startHttpNetwork);

describe('http transport, its own side of it', () => {
  let services: FakeServices;
  let network: Awaited<ReturnType<typeof startHttpNetwork>>;
  beforeEach(async () => {
    services = Object.fromEntries(serviceNames.map((name) => [name, new FakeService(name)])) as FakeServices;
    network = await startHttpNetwork(services);
  });
  afterEach(() => network.close());

  const post = async (body: unknown, token = internalToken) => {
    const response = await fetch(`${network.baseUrl}/internal/order/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const deliver = (record = services.inventory.record(anEvent('stock.commit-refused'))) =>
    services.inventory.transport!.deliver([record]).then(() => record);

  test('whoever does not know the internal token finds nothing there, and changes nothing', async () => {
    const body = { events: [anEvent('stock.held')], acknowledged: [newId()] };
    for (const token of ['', 'guessed', `${internalToken} `.repeat(2), internalToken.slice(0, -1)]) {
      expect(await post(body, token)).toMatchObject({ status: 404, body: { type: '/problems/not-found' } });
    }
    expect([services.order.received, services.order.acknowledged]).toEqual([[], []]);
  });

  test('an event that cannot be read is reported as poison; its neighbours are handled', async () => {
    const [good, strange, newer] = [
      anEvent('stock.held'),
      { ...anEvent('stock.held'), type: 'stock.vanished' },
      { ...anEvent('stock.held'), version: 2 },
    ];
    const answer = await post({ events: [strange, good, newer, 'nonsense'], acknowledged: [] });
    expect(answer).toMatchObject({ status: 200, body: { records: [] } });
    expect(answer.body['failures']).toEqual([
      { eventId: strange.id, kind: 'poison', reason: 'not readable' },
      { eventId: newer.id, kind: 'poison', reason: 'not readable' },
    ]);
    expect(services.order.received).toEqual([good]);
  });

  test('a body that is not what one service sends another is refused as a whole', async () => {
    expect((await post({ events: [anEvent('stock.held')] })).status).toBe(422);
    expect((await post({ events: Array(257).fill(null), acknowledged: [] })).status).toBe(422);
    expect((await post({ events: [], acknowledged: ['x'] })).status).toBe(422);
    expect((await post('{')).status).toBe(400);
    expect(services.order.batches).toEqual([]);
  });

  test('what follows goes back with the answer, and the sender carries it on', async () => {
    const follower = anEvent('order.cancelled');
    services.order.followUps = () => [follower];
    const answer = await post({ events: [anEvent('stock.commit-refused')], acknowledged: [] });
    expect(answer.body['records']).toEqual([{ id: expect.any(String), owner: 'order', events: [follower] }]);
    expect(services.payment.received).toEqual([]);

    await deliver();
    expect(services.payment.received).toEqual([follower]);
    expect(network.requests).toEqual(['order/events', 'order/events', 'payment/events']);
  });

  test('a service of the release before is brought the events alone, and asked again later whether it takes more', async () => {
    const context = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
    const inItsContext = () => services.inventory.record(inContext(anEvent('stock.commit-refused'), context));
    network.isOfReleaseBefore('order');
    for (const record of [inItsContext(), inItsContext()]) {
      await deliver(record);
      expect(services.inventory.undelivered).toEqual([]);
    }
    expect(services.order.received.map(contextOf)).toEqual([undefined, undefined]);
    // A second try of the first is the client's, as after each answer that is none.
    expect(network.requests.filter((path) => path === 'order/events')).toHaveLength(2);
    expect(new Set(network.requests.slice(0, -2))).toEqual(new Set(['order/events-in-context']));
  });

  test('who knows nothing of what travels beside events is not answered with it', async () => {
    const follower = inContext(anEvent('order.cancelled'), {
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    });
    services.order.followUps = () => [follower];
    const answer = await post({ events: [anEvent('stock.commit-refused')], acknowledged: [] });
    expect(answer.body['records']).toEqual([{ id: expect.any(String), owner: 'order', events: [follower] }]);
  });

  test('acknowledgements travel with the next events, or alone when none come', async () => {
    services.order.followUps = () => [anEvent('order.cancelled')];
    await deliver();
    expect(services.order.acknowledged).toEqual([]);
    await deliver();
    expect(services.order.acknowledged.length).toBe(1);
    await eventually(() => expect(services.order.acknowledged.length).toBe(2));
  });

  test('stop sends the acknowledgements that still wait', async () => {
    services.order.followUps = () => [anEvent('order.cancelled')];
    await deliver();
    await services.inventory.transport!.stop();
    expect(services.order.acknowledged.length).toBe(1);
  });

  test('more acknowledgements than fit into one message leave in several', async () => {
    services.order.receive = () =>
      Promise.resolve({
        failures: [],
        records: Array.from({ length: 2_500 }, () => services.order.record(anEvent('order.paid'))),
        delivered: Promise.resolve(),
      });
    await deliver();
    await eventually(() => expect(new Set(services.order.acknowledged).size).toBe(2_500));
  });

  test('a service that answers too late is given up on; the record waits for the sweep', async () => {
    await network.close();
    network = await startHttpNetwork(services, { timeoutMs: 400 });
    services.order.barrier = new Promise(() => {});
    const record = await deliver();
    expect(services.inventory.acknowledged).not.toContain(record.id);
    // A call whose time is spent is not repeated within it.
    expect(services.order.batches.length).toBe(1);
  });

  test('a short failure is bridged by a second try', async () => {
    network.takeDown('order');
    setTimeout(() => network.bringUp('order'), 2);
    const record = await deliver();
    await eventually(() => expect(services.inventory.acknowledged).toEqual([record.id]));
  });

  test('a service that keeps failing is left alone for a while', async () => {
    await network.close();
    network = await startHttpNetwork(services, { halfOpenAfterMs: 60_000 });
    network.takeDown('order');
    for (let n = 0; n < 5; n += 1) await deliver();
    const asked = network.requests.length;
    expect(asked).toBe(10);
    await deliver();
    expect(network.requests.length).toBe(asked);
  });

  test('a service that kept failing is asked again after that', async () => {
    network.takeDown('order');
    for (let n = 0; n < 6; n += 1) await deliver();
    network.bringUp('order');
    await eventually(async () => {
      const record = await deliver();
      expect(services.inventory.acknowledged).toContain(record.id);
    });
  });

  test('a record is acknowledged when its own events are handled, however long what follows takes', async () => {
    const gate = Promise.withResolvers<void>();
    services.payment.barrier = gate.promise;
    services.order.followUps = () => [anEvent('order.cancelled')];
    const record = services.inventory.record(anEvent('stock.commit-refused'));
    const delivered = services.inventory.transport!.deliver([record]);
    await eventually(() => expect(services.inventory.acknowledged).toEqual([record.id]));
    expect(services.order.acknowledged).toEqual([]);
    gate.resolve();
    await delivered;
  });

  test('who sent the record hears why it was not delivered, and the next try is about the rest', async () => {
    const [away, failing, good] = [anEvent('order.opened'), anEvent('stock.held'), anEvent('stock.released')];
    network.takeDown('payment');
    services.order.failureOf = ({ id }) => (id === failing.id ? 'poison' : undefined);
    const record = services.inventory.record(away, failing, good);
    const told = () => services.inventory.undelivered.splice(0);

    await deliver(record);
    expect(told()).toEqual([{ record, kind: 'unreachable' }]);
    const received = () => [services.order.received.length, services.reservation.received.length];
    expect(received()).toEqual([2, 2]);

    network.bringUp('payment');
    await deliver(record);
    // What fails by itself is all that is left.
    expect(told()).toEqual([{ record, kind: 'poison' }]);
    expect(services.payment.received).toEqual([away]);
    expect(received()).toEqual([2, 2]);
    expect(services.inventory.reachable).toBe(1);
    expect(services.inventory.acknowledged).toEqual([]);
  });

  test('what follows is told of to who carries it on, whoever owns it', async () => {
    const follower = anEvent('order.cancelled');
    services.order.followUps = () => [follower];
    services.payment.failureOf = () => 'transient';
    await deliver();
    expect(services.inventory.undelivered).toMatchObject([
      { record: { owner: 'order', events: [follower] }, kind: 'transient' },
    ]);
  });

  test('an answer that is none is no outage while others get through, and does not concern those it travels with', async () => {
    const records = Array.from({ length: 8 }, () => services.inventory.record(anEvent('stock.commit-refused')));
    const strange = records[3]!.events[0]!.id;
    const receive = services.order.receive.bind(services.order);
    services.order.receive = (events, followUps) =>
      events.some(({ id }) => id === strange)
        ? Promise.resolve({ failures: 'none' } as never)
        : receive(events, followUps);
    await services.inventory.transport!.deliver(records);
    expect(services.inventory.acknowledged.length).toBe(7);
    await deliver();
    await deliver(records[3]);
    expect(services.inventory.undelivered.map(({ kind }) => kind)).toEqual(['unreachable', 'transient']);
  });

  describe('a service that is reached and handles nothing', () => {
    const told = () => services.inventory.undelivered.splice(0).map(({ kind }) => kind);

    test('says so of all, and counts as away; when it handles something again, what waits hears of it', async () => {
      services.order.failureOf = () => 'unreachable';
      const answer = await post({ events: [anEvent('stock.held'), anEvent('stock.held')], acknowledged: [] });
      expect(answer).toMatchObject({ status: 503, body: { type: '/problems/unavailable' } });
      await deliver();
      expect(told()).toEqual(['unreachable']);
      services.order.failureOf = () => undefined;
      await eventually(async () => {
        await deliver();
        expect(services.inventory.reachable).toBe(1);
      });
    });

    test('of some is answered in words that a release before knows', async () => {
      const [good, bad] = [anEvent('stock.held'), anEvent('stock.held')];
      services.order.failureOf = ({ id }) => (id === bad.id ? 'unreachable' : undefined);
      const answer = await post({ events: [good, bad], acknowledged: [] });
      expect(answer).toMatchObject({ status: 200, body: { failures: [{ eventId: bad.id, kind: 'transient' }] } });
    });

    test('but blames each event for that is believed, as long as they are few', async () => {
      services.order.failureOf = () => 'transient';
      const records = Array.from({ length: 10 }, () => services.inventory.record(anEvent('stock.commit-refused')));
      for (const record of records) await deliver(record);
      expect(told()).toEqual([...Array<string>(9).fill('transient'), 'unreachable']);
    });

    test('in time, because of one event alone, is not away: others get through', async () => {
      await network.close();
      network = await startHttpNetwork(services, { timeoutMs: 400 });
      const [locked, free] = [anEvent('stock.commit-refused'), anEvent('stock.commit-refused')];
      const receive = services.order.receive.bind(services.order);
      services.order.receive = (events, followUps) =>
        events.some(({ id }) => id === locked.id) ? new Promise(() => {}) : receive(events, followUps);
      const record = services.inventory.record(locked);
      await deliver(record);
      await deliver(services.inventory.record(free));
      await deliver(record);
      expect(told()).toEqual(['unreachable', 'transient']);
    });
  });

  test('with the internal listener away, deliver resolves and nothing is acknowledged', async () => {
    const record = services.inventory.record(anEvent('stock.held'));
    await network.close();
    await services.order.transport!.deliver([record]);
    expect(services.inventory.acknowledged).toEqual([]);
  });

  test('an answer that is none counts as not delivered', async () => {
    services.order.receive = () => Promise.resolve({ failures: 'none' } as never);
    const record = await deliver();
    expect(services.inventory.acknowledged).not.toContain(record.id);
  });
});
