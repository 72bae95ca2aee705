import { HttpTransport } from '../messaging/http-transport.ts';
import { InternalClient } from '../messaging/http-client.ts';
import type { TransportFactory } from './service.ts';

/** The sync stack: events travel as HTTP posts through the internal listener. */
export const httpTransport: TransportFactory = ({ config, log }) => {
  const client = new InternalClient({ baseUrl: config.INTERNAL_URL, token: config.INTERNAL_TOKEN, timeoutMs: config.HOP_TIMEOUT_MS });
  const transport = new HttpTransport({ client, log, maxQueued: config.BATCH_QUEUE_MAX });
  return { transport, routes: transport.routes() };
};
