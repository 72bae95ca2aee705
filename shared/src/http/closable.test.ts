import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { closable } from './closable.ts';

let server: Server;
let port: number;
let close: ReturnType<typeof closable>;
const agents: Agent[] = [];
const answers: (() => void)[] = [];

beforeEach(async () => {
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
  jest.useRealTimers();
  agents.splice(0).forEach((agent) => agent.destroy());
  server.closeAllConnections();
});

/** An agent is one connection. */
function connection(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return agent;
}

/** @returns what the answer says of its connection */
const ask = (agent: Agent, path = '/') =>
  new Promise<string | undefined>((resolve, reject) => {
    const sent = request({ port, path, agent, method: 'POST' }, (response) => {
      response.resume().on('end', () => resolve(response.headers.connection));
    });
    sent.on('error', reject).end();
  });

describe('a server that closes', () => {
  test('answers what an open connection brings, and closes it with the answer', async () => {
    const open = connection();
    expect(await ask(open)).toBe('keep-alive');
    const closed = close(60_000);
    expect(await ask(open)).toBe('close');
    await closed;
  });

  test('refuses a new connection', async () => {
    await ask(connection());
    const closed = close(10);
    await expect(ask(connection())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await closed;
  });

  test('answers what is under way, and closes its connection with the answer', async () => {
    const slow = ask(connection(), '/slow');
    await new Promise<void>((resolve) => server.once('request', () => resolve()));
    const closed = close(60_000);
    answers.pop()!();
    expect(await slow).toBe('close');
    await closed;
  });

  test('closes a connection that brings nothing more', async () => {
    await ask(connection());
    await close(10);
  });

  test('answers what has come while it was too busy to read', async () => {
    const socket = connect(port, '127.0.0.1');
    const post = 'POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n';
    socket.write(post);
    await once(socket, 'data');
    const closed = close(20);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.write(post);
    for (const until = performance.now() + 100; performance.now() < until;);
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1.1 200 OK[\s\S]*here/);
    await closed;
  });

  test('keeps the idle ones while others are used up', async () => {
    const [first, second] = [connection(), connection()];
    await ask(first);
    await ask(second);
    jest.useFakeTimers({ now: 0 });
    const closed = close(1_000);
    jest.advanceTimersByTime(900);
    expect(await ask(first)).toBe('close');
    jest.advanceTimersByTime(900);
    expect(await ask(second)).toBe('close');
    await closed;
  });

  test('closes the idle ones at last, whatever others bring', async () => {
    const [idle, ...used] = Array.from({ length: 5 }, connection);
    for (const agent of [idle!, ...used]) await ask(agent);
    jest.useFakeTimers({ now: 0 });
    const closed = close(1_000);
    for (const agent of used) {
      jest.advanceTimersByTime(900);
      expect(await ask(agent)).toBe('close');
    }
    jest.advanceTimersByTime(400);
    await closed;
  });
});
