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
