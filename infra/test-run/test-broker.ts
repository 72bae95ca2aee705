import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startTestRabbitmq, type TestRabbitmq } from '../testing/servers.ts';

/** Set by whoever asks, because others on this machine can reach the port as well. */
export const askerHeader = 'x-test-broker';

/**
 * One RabbitMQ for all test files, started only when the first of them asks: it takes seconds, and most need none.
 * `POST` makes a virtual host and answers its URL, `DELETE /<name>` removes it.
 */
export async function offerTestBroker(
  start: () => Promise<TestRabbitmq> = startTestRabbitmq,
): Promise<{ url: string; close(): Promise<void> }> {
  let broker: Promise<TestRabbitmq> | undefined;
  const token = randomBytes(16).toString('hex');

  async function answer({ method, url = '/', headers }: IncomingMessage): Promise<string> {
    if (headers[askerHeader] !== token) throw new Error('not from these tests');
    const rabbitmq = await (broker ??= start());
    if (method === 'POST') return makeVhost(rabbitmq);
    await rabbitmq.control('delete_vhost', url.slice(1));
    return '';
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return {
    url: `http://${token}@127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await broker?.then((rabbitmq) => rabbitmq.close()).catch(() => undefined);
    },
  };
}

async function makeVhost(rabbitmq: TestRabbitmq): Promise<string> {
  const name = `t_${randomBytes(5).toString('hex')}`;
  await rabbitmq.control('add_vhost', name);
  await rabbitmq.control('set_permissions', '-p', name, new URL(rabbitmq.url).username, '.*', '.*', '.*');
  return `${rabbitmq.url}/${name}`;
}
