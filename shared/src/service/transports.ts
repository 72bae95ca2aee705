import type { CommonConfig } from '../config.ts';
import { AmqpTransport } from '../messaging/amqp-transport.ts';
import { eventRoutes, HttpHop } from '../messaging/http-transport.ts';
import { InternalClient } from '../messaging/http-client.ts';
import { InProcessHop, type Neighbours } from '../messaging/in-process-transport.ts';
import { Walker } from '../messaging/walker.ts';
import { stacks, type StackDescription } from '../stacks.ts';
import type { TransportFactory } from './definition.ts';

/**
 * The one place where the architectures part.
 * @param neighbours of a process that holds all services, where their events may stay
 */
export function transportFor(stack: CommonConfig['STACK'], neighbours?: Neighbours): TransportFactory {
  const transports: Record<StackDescription['events'], TransportFactory> = {
    http: httpTransport,
    amqp: amqpTransport,
    'in-process': inProcessTransport(neighbours),
  };
  return transports[stacks[stack].events];
}

/** Events travel as HTTP posts through the internal listener. */
const httpTransport: TransportFactory = ({ config, log, tracing }) => {
  const client = new InternalClient({
    baseUrl: config.INTERNAL_URL,
    token: config.INTERNAL_TOKEN,
    timeoutMs: config.HOP_TIMEOUT_MS,
  });
  const hop = new HttpHop({ client, log });
  return { transport: new Walker({ hop, log, maxQueued: config.BATCH_QUEUE_MAX, tracing }), routes: hop.routes() };
};

/** Events stay in the process that holds all services. */
const inProcessTransport =
  (neighbours: Neighbours | undefined): TransportFactory =>
  ({ config, log, tracing }) => {
    if (neighbours === undefined)
      throw new Error(`with STACK=${config.STACK} services cannot run apart: one process holds them all`);
    const hop = new InProcessHop(neighbours, log);
    const { walks } = neighbours;
    // The lane that takes the events rests by itself, and no wire gains from a rest.
    const transport = new Walker({ hop, log, maxQueued: config.BATCH_QUEUE_MAX, maxRestMs: 0, walks, tracing });
    // While processes of the stack with HTTP are replaced by ours, some of their hops lead here.
    return { transport, routes: eventRoutes(() => hop.intake!, log) };
  };

/** Events travel through RabbitMQ, which keeps them until they are handled. */
const amqpTransport: TransportFactory = ({ config, log, tracing }) => {
  if (config.AMQP_URL === undefined) throw new Error(`STACK=${config.STACK} needs AMQP_URL, the address of RabbitMQ`);
  const transport = new AmqpTransport({
    url: config.AMQP_URL,
    instance: config.SERVICE_INSTANCE,
    log,
    prefetch: config.AMQP_PREFETCH,
    maxUnconfirmed: config.AMQP_UNCONFIRMED_MAX,
    maxBatchEvents: config.AMQP_BATCH_MAX,
    maxBatchBytes: config.AMQP_BATCH_BYTES_MAX,
    confirmTimeoutMs: config.AMQP_CONFIRM_TIMEOUT_MS,
    retriesBeforeError: config.AMQP_PATIENT_RETRIES,
    holdMs: config.AMQP_HOLD_MS,
    tracing,
  });
  return { transport };
};
