import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Router } from 'express';
import { pino } from 'pino';
import { requireInternal } from '../auth.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { createApp } from '../http/app.ts';
import { InternalClient, type InternalClientOptions } from '../messaging/http-client.ts';
import { HttpHop } from '../messaging/http-transport.ts';
import { Walker } from '../messaging/walker.ts';
import type { FakeService } from './fake-service.ts';

export const internalToken = 'internal-token-of-the-tests-0123456789';

/** Services on real sockets behind one internal listener, which maps `/internal/<service>/x` to `/internal/x` as nginx does. */
export async function startHttpNetwork(
  services: Record<ServiceName, FakeService>,
  options: Partial<Pick<InternalClientOptions, 'timeoutMs' | 'halfOpenAfterMs'>> = {},
) {
  const log = pino({ level: 'silent' });
  const apps = new Map<string, RequestListener>();
  const down = new Set<string>();
  const ofReleaseBefore = new Set<string>();
  const requests: string[] = [];
  const listener = createServer((request, response) => {
    const [, name = '', rest = ''] = /^\/internal\/([a-z]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    requests.push(`${name}${rest}`);
    const app = apps.get(name);
    if (!app || down.has(name)) {
      request.resume();
      response.writeHead(502).end();
      return;
    }
    // The release before has no other address for events.
    request.url = ofReleaseBefore.has(name) && rest !== '/events' ? '/internal/unknown' : `/internal${rest}`;
    void app(request, response);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const transports = serviceNames.map((name) => {
    const client = new InternalClient({ baseUrl, token: internalToken, timeoutMs: 20_000, ...options });
    const hop = new HttpHop({ client, log });
    const transport = new Walker({ hop, log, maxQueued: 20_000 });
    const internal = { guard: requireInternal(internalToken), routes: hop.routes() };
    apps.set(name, createApp({ log, trustedProxies: 'loopback', publicRoutes: Router(), internal }) as RequestListener);
    services[name].transport = transport;
    return { name, transport };
  });
  for (const { name, transport } of transports) await transport.start(services[name]);
  return {
    baseUrl,
    /** `<service><path>` of every request that came, in order. */
    requests,
    takeDown: (name: ServiceName) => void down.add(name),
    bringUp: (name: ServiceName) => void down.delete(name),
    /** From now on it answers as one that knows nothing of what travels beside events. */
    isOfReleaseBefore: (name: ServiceName) => void ofReleaseBefore.add(name),
    async close() {
      await Promise.all(transports.map(({ transport }) => transport.stop().catch(() => {})));
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
