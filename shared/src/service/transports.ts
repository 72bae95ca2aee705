import type { CommonConfig } from '../config.ts';
import { HttpTransport } from '../messaging/http-transport.ts';
import { InternalClient } from '../messaging/http-client.ts';
import type { TransportFactory } from './service.ts';

/** The one place where the two architectures part. */
export function transportFor(stack: CommonConfig['STACK']): TransportFactory {
  if (stack === 'sync') return httpTransport;
  throw new Error('the async stack is not available yet; start with STACK=sync');
}

/** The sync stack: events travel as HTTP posts through the internal listener. */
const httpTransport: TransportFactory = ({ config, log }) => {
  const client = new InternalClient({
    baseUrl: config.INTERNAL_URL,
    token: config.INTERNAL_TOKEN,
    timeoutMs: config.HOP_TIMEOUT_MS,
  });
  const transport = new HttpTransport({ client, log, maxQueued: config.BATCH_QUEUE_MAX });
  return { transport, routes: transport.routes() };
};
