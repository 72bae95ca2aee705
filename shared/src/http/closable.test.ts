import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closable } from './closable.ts';

let server: Server;
let agent: Agent;
let port: number;
let close: ReturnType<typeof closable>;
const answers: (() => void)[] = [];

beforeEach(async () => {
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
  server = createServer(({ url }, response) => {
    const answer = () => response.end('here');
    if (url === '/slow') answers.push(answer);
    else answer();
  });
  close = closable(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  agent.destroy();
  server.closeAllConnections();
});

/** One request over the one connection of the agent. */
const ask = (path: string) =>
  new Promise<string | undefined>((resolve, reject) => {
    const sent = request({ port, path, agent, method: 'POST' }, (response) => {
      response.resume().on('end', () => resolve(response.headers.connection));
    });
    sent.on('error', reject).end();
  });

describe('a server that closes', () => {
  test('answers what an open connection brings, and closes it with the answer', async () => {
    expect(await ask('/')).toBe('keep-alive');
    const closed = close(60_000);
    expect(await ask('/')).toBe('close');
    await closed;
  });

  test('refuses a new connection', async () => {
    await ask('/');
    const closed = close(10);
    const sent = new Promise((resolve, reject) => request({ port, agent: false }, resolve).on('error', reject).end());
    await expect(sent).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await closed;
  });

  test('answers what is under way, and closes its connection with the answer', async () => {
    const slow = ask('/slow');
    await new Promise<void>((resolve) => server.once('request', () => resolve()));
    const closed = close(60_000);
    answers.pop()!();
    expect(await slow).toBe('close');
    await closed;
  });

  test('closes a connection that brings nothing more', async () => {
    await ask('/');
    await close(10);
  });
});
