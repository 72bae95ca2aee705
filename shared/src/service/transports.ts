import type { CommonConfig } from '../config.ts';
import { AmqpTransport } from '../messaging/amqp-transport.ts';
import { HttpTransport } from '../messaging/http-transport.ts';
import { InternalClient } from '../messaging/http-client.ts';
import { stacks, type StackDescription } from '../stacks.ts';
import type { TransportFactory } from './service.ts';

/** The one place where the architectures part. */
export function transportFor(stack: CommonConfig['STACK']): TransportFactory {
  return transports[stacks[stack].events];
}

/** Events travel as HTTP posts through the internal listener. */
const httpTransport: TransportFactory = ({ config, log }) => {
  const client = new InternalClient({
    baseUrl: config.INTERNAL_URL,
    token: config.INTERNAL_TOKEN,
    timeoutMs: config.HOP_TIMEOUT_MS,
  });
  const transport = new HttpTransport({ client, log, maxQueued: config.BATCH_QUEUE_MAX });
  return { transport, routes: transport.routes() };
};

/** Events travel through RabbitMQ, which keeps them until they are handled. */
const amqpTransport: TransportFactory = ({ config, log }) => {
  if (config.AMQP_URL === undefined) throw new Error(`STACK=${config.STACK} needs AMQP_URL, the address of RabbitMQ`);
  const transport = new AmqpTransport({
    url: config.AMQP_URL,
    instance: config.SERVICE_INSTANCE,
    log,
    prefetch: config.AMQP_PREFETCH,
    maxUnconfirmed: config.AMQP_UNCONFIRMED_MAX,
    confirmTimeoutMs: config.AMQP_CONFIRM_TIMEOUT_MS,
    patientRetries: config.AMQP_PATIENT_RETRIES,
    holdMs: config.AMQP_HOLD_MS,
  });
  return { transport };
};

const transports: Record<StackDescription['events'], TransportFactory> = { http: httpTransport, amqp: amqpTransport };
