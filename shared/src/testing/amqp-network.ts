import { pino } from 'pino';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { withChannel } from '../messaging/amqp-channel.ts';
import {
  assertTopology,
  consumedQueues,
  deadQueueOf,
  retrySteps,
  subscribingServices,
} from '../messaging/amqp-topology.ts';
import { AmqpTransport, type AmqpTransportOptions } from '../messaging/amqp-transport.ts';
import type { FakeService } from './fake-service.ts';

export type AmqpTestOptions = Partial<Omit<AmqpTransportOptions, 'url'>>;

export function amqpTransport(url: string, options: AmqpTestOptions = {}): AmqpTransport {
  return new AmqpTransport({
    url,
    instance: 'test',
    log: pino({ level: 'silent' }),
    prefetch: 256,
    maxUnconfirmed: 10_000,
    maxBatchEvents: 256,
    maxBatchBytes: 262_144,
    confirmTimeoutMs: 5_000,
    retriesBeforeError: 50,
    holdMs: 10_000,
    ...options,
  });
}

/** Services that one broker connects. */
export async function startAmqpNetwork(
  url: string,
  services: Record<ServiceName, FakeService>,
  options: AmqpTestOptions = {},
) {
  const running = new Map<ServiceName, AmqpTransport>();
  const takeDown = async (service: ServiceName) => {
    await running.get(service)?.stop();
    running.delete(service);
  };
  const bringUp = async (service: ServiceName) => {
    const transport = amqpTransport(url, options);
    services[service].transport = transport;
    running.set(service, transport);
    await transport.start(services[service]);
  };
  await Promise.all(serviceNames.map(bringUp));
  // Each looks who takes batches when it comes up, and then others did not do so yet.
  await Promise.all([...running.values()].map((transport) => transport.backlog()));
  return {
    takeDown,
    bringUp,
    transportOf: (service: ServiceName) => running.get(service)!,
    close: async () => {
      await Promise.all(serviceNames.map(takeDown));
    },
  };
}

/** Takes everything out of the broker, as if it were new. */
export function emptyBroker(url: string): Promise<void> {
  return withChannel(url, async (channel) => {
    // Not purged but deleted: the broker may be about to move a message from there to its service.
    for (const { name } of retrySteps) await channel.deleteQueue(name);
    await assertTopology(channel);
    for (const queue of [...consumedQueues, ...subscribingServices.map(deadQueueOf)]) await channel.purgeQueue(queue);
  });
}
