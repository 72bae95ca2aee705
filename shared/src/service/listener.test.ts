import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { listen, type Listener, type OnUpgrade } from './listener.ts';

const log = pino({ level: 'silent' });
let listener: Listener | undefined;
afterEach(async () => {
  listener?.cut();
  await listener?.close(1);
});

const started = async (onUpgrade?: OnUpgrade) =>
  (listener = await listen({
    app: (_request, response) => void response.end('an answer of the application'),
    host: '127.0.0.1',
    port: 0,
    log,
    onRequest: () => {},
    onUpgrade,
  }));

async function asksForUpgrade({ port }: Listener): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /live HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  return socket;
}
const said = async (socket: Socket) => String((await once(socket, 'data'))[0]);

const echoes: OnUpgrade = (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  socket.pipe(socket);
};

test('an upgrade goes to whoever takes upgrades', async () => {
  const client = await asksForUpgrade(await started(echoes));
  expect(await said(client)).toMatch(/^HTTP\/1.1 101 /);
  client.write('hello');
  expect(await said(client)).toBe('hello');
  client.destroy();
});

test('where nobody does, the application answers', async () => {
  const client = await asksForUpgrade(await started());
  expect(await said(client)).toMatch(/^HTTP\/1.1 200 /);
  client.destroy();
});

test('a stop waits for upgraded connections, which can be cut', async () => {
  const running = await started(echoes);
  const client = await asksForUpgrade(running);
  await said(client);
  const closed = running.close(1);
  client.write('still there');
  expect(await said(client)).toBe('still there');
  const ended = once(client, 'close');
  running.cut();
  await Promise.all([ended, closed]);
});

const crowd = 120;
/** Connections that are made at once, each of which asks for something. */
const aCrowd = (port: number) =>
  Array.from({ length: crowd }, () => connect(port, '127.0.0.1').on('error', () => {})).map((socket) => {
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
    return socket;
  });

test('a crowd that connects at once is let in many at a time, not one in each turn of the event loop', async () => {
  let [asked, turns] = [0, 0];
  const all = Promise.withResolvers<void>();
  const app = (_request: unknown, response: { end: () => void }) => {
    response.end();
    if (++asked === crowd) all.resolve();
  };
  listener = await listen({ app, host: '127.0.0.1', port: 0, log, onRequest: () => {} });
  const sockets = aCrowd(listener.port);
  const busyTurn = () => {
    for (const endMs = performance.now() + 5; performance.now() < endMs;);
    turns += 1;
    if (asked < crowd) setImmediate(busyTurn);
  };
  busyTurn();
  await all.promise;
  expect(turns).toBeLessThan(crowd / 2);
  for (const socket of sockets) socket.destroy();
});

test('a stop ends idle connections, whichever socket of the port has taken them', async () => {
  const running = await started();
  const sockets = aCrowd(running.port);
  await Promise.all(sockets.map(said));
  const ended = sockets.map((socket) => once(socket, 'close'));
  await Promise.all([running.close(1), ...ended]);
});

test('a port that somebody has is taken, and not shared', async () => {
  const { port } = await started();
  const again = () => listen({ app: () => {}, host: '127.0.0.1', port, log, onRequest: () => {} });
  await expect(again()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
