import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

/** The port of a service that answers so. */
async function aService(status: number): Promise<string> {
  const server = createServer(({ url }, response) => response.writeHead(url === '/readyz' ? status : 404).end());
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return String((server.address() as AddressInfo).port);
}

async function exitCodeWith(env: Record<string, string>): Promise<number> {
  const child = spawn(join(import.meta.dirname, 'is-ready'), { env: { PATH: process.env['PATH']!, ...env } });
  const [code] = (await once(child, 'exit')) as [number];
  return code;
}

test('a container is ready with its service', async () => {
  expect(await exitCodeWith({ PORT: await aService(200) })).toBe(0);
  expect(await exitCodeWith({ PORT: await aService(503) })).toBe(1);
});

test('a container of several is ready when each of them is', async () => {
  const [well, unwell] = [await aService(200), await aService(503)];
  expect(await exitCodeWith({ USER__PORT: well, ORDER__PORT: await aService(200) })).toBe(0);
  expect(await exitCodeWith({ USER__PORT: well, ORDER__PORT: unwell })).toBe(1);
});

test('it is not when nobody listens, or nothing is said of a port', async () => {
  const closed = await aService(200);
  const server = servers.pop()!;
  await once(server.close(), 'close');
  expect(await exitCodeWith({ USER__PORT: await aService(200), ORDER__PORT: closed })).toBe(1);
  expect(await exitCodeWith({ EXPORT: closed })).toBe(1);
});
