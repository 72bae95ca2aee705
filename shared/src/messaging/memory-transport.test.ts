import { expect, test } from '@jest/globals';
import { anEvent } from '../testing/events.ts';
import { FakeService } from '../testing/fake-service.ts';
import { MemoryNetwork, memoryTransport } from './memory-transport.ts';
import { transportSuite } from './transport.suite.ts';

transportSuite('memory', async (services) => {
  const network = new MemoryNetwork();
  for (const service of Object.values(services)) {
    service.transport = memoryTransport(network);
    await service.transport.start(service);
  }
  return {
    takeDown: (name) => void network.intakes.delete(name),
    bringUp: (name) => void network.intakes.set(name, services[name]),
    close: async () => {
      for (const { transport } of Object.values(services)) await transport?.stop();
    },
  };
});

test('a service that is gone late does not take the place of its successor', async () => {
  const network = new MemoryNetwork();
  const [before, successor, sender] = [
    new FakeService('inventory'),
    new FakeService('inventory'),
    new FakeService('reservation'),
  ];
  const [stops, , delivers] = await Promise.all(
    [before, successor, sender].map(async (service) => {
      const transport = memoryTransport(network);
      await transport.start(service);
      return transport;
    }),
  );
  await stops!.stop();
  const event = anEvent('reservation.requested');
  await delivers!.deliver([sender.record(event)]);
  expect(successor.received).toEqual([event]);
  expect(before.received).toEqual([]);
});
