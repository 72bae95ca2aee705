import { describe, expect, test } from '@jest/globals';
import { anEvent } from './events.ts';
import { FakeService } from './fake-service.ts';
import { anyOrderWithin, twiceAtOnce, UnreliableNetwork, type Fate } from './unreliable-network.ts';

/** An inventory that tells two instances of the order service, which remember what they hear. */
async function start(fate: Fate, seed = 1) {
  const network = new UnreliableNetwork({ fate, seed });
  const [inventory, ...orders] = [new FakeService('inventory'), new FakeService('order'), new FakeService('order')];
  for (const service of [inventory, ...orders]) {
    service.transport = network.transport();
    await service.transport.start(service);
  }
  const records = Array.from({ length: 50 }, () => inventory.record(anEvent('stock.commit-refused')));
  const deliver = async () => {
    await inventory.transport!.deliver(records);
    await network.settled();
  };
  /** Which of the records each instance has heard of, in order of arrival. */
  const heard = () =>
    orders.map(({ received }) => received.map(({ id }) => records.findIndex(({ events }) => events[0]!.id === id)));
  return { network, inventory, records, deliver, heard };
}
const inOrder = Array.from({ length: 50 }, (_, n) => n);

describe('an unreliable network', () => {
  test('brings each message to both instances, when told so', async () => {
    const { deliver, heard, inventory, records } = await start(twiceAtOnce);
    await deliver();
    expect(heard()).toEqual([inOrder, inOrder]);
    expect(inventory.acknowledged).toEqual(records.map(({ id }) => id));
  });

  test('mixes, repeats and loses, and acknowledges what arrived', async () => {
    const { network, deliver, heard, inventory, records } = await start(anyOrderWithin(20));
    await deliver();
    const all = heard().flat();
    expect(all).not.toEqual(all.toSorted((a, b) => a - b));
    const { sent, lost, repeated, overtaken } = network.counts;
    expect(Math.min(lost, repeated, overtaken)).toBeGreaterThan(0);
    expect([sent, all.length]).toEqual([50, 50 - lost + repeated]);
    const arrived = new Set(all.map((n) => records[n]!.id));
    expect(new Set(inventory.acknowledged)).toEqual(arrived);
  });

  test('brings what was lost when it is sent again', async () => {
    const { deliver, heard } = await start(() => []);
    await deliver();
    expect(heard()).toEqual([[], []]);
    await deliver();
    expect(heard()).toEqual([inOrder, []]);
  });

  test('does the same for the same seed', async () => {
    const counts = async (seed: number) => {
      const { network, deliver } = await start(anyOrderWithin(0), seed);
      await deliver();
      return [network.counts.lost, network.counts.repeated];
    };
    expect(await counts(1)).toEqual(await counts(1));
    expect(await counts(1)).not.toEqual(await counts(2));
  });
});
