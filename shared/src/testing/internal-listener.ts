import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Stands where nginx's internal listener stands: `/internal/<service>/x` goes to that service's `/internal/x`. */
export async function startInternalListener(urlOf: (service: string) => string | undefined) {
  const listener = createServer((request, response) => {
    const [, service = '', rest = ''] = /^\/internal\/([a-z]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    const forward = async () => {
      const body = await text(request);
      const url = urlOf(service);
      if (url === undefined) return void response.writeHead(502).end();
      const { authorization = '', 'content-type': type = 'application/json' } = request.headers;
      const answer = await fetch(`${url}/internal${rest}`, {
        method: request.method ?? 'GET',
        headers: { authorization, 'content-type': type },
        ...(body === '' ? {} : { body }),
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? type });
      response.end(await answer.text());
    };
    forward().catch(() => response.writeHead(502).end());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    async close() {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
