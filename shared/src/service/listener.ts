import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import {
  createServer as createNetServer,
  type AddressInfo,
  type ListenOptions,
  type Server as NetServer,
} from 'node:net';
import type { Duplex } from 'node:stream';
import type { OnRequest } from '../http/app.ts';
import { closable } from '../http/closable.ts';
import { answerUnreadable } from '../http/unreadable.ts';
import type { Logger } from '../log.ts';

/** Connections that the system accepts before the process has come to them: a sale opens to thousands at once. */
const backlogOfConnections = 4_096;
/**
 * In each turn of its event loop Node takes one connection from a listening socket, however many wait there (libuv/libuv#3696). A
 * busy process makes ten or twenty turns a second: the connections that nginx opens for a crowd would wait for seconds, before
 * anybody could even refuse them. So there are several sockets at the port, and the system deals the connections out among them.
 */
const socketsAtPort = process.platform === 'linux' ? 16 : 1; // elsewhere sockets that share a port do not share its connections

export interface Listener {
  port: number;
  url: string;
  /**
   * Takes no more connections, and ends when the last one is closed; see `closable`. Upgraded ones are for whoever has
   * taken them over to end.
   */
  close: (idleMs: number) => Promise<void>;
  /** Cuts whatever is still open. */
  cut: () => void;
}

/** Takes a connection over that asks to speak another protocol, and answers it, be it by a refusal: clients ask for more than WebSocket. */
export type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Brings requests to an application. @throws when the port is taken */
export async function listen(options: {
  app: RequestListener;
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  /** Hears of requests that never reach the application. */
  onRequest: OnRequest;
  /** Without it a request for an upgrade is answered by `app`, as HTTP allows. */
  onUpgrade?: OnUpgrade | undefined;
}): Promise<Listener> {
  const { app, host, port, log, onRequest, onUpgrade } = options;
  const server = createServer({ requireHostHeader: false }, app);
  answerUnreadable(server, { log, onRequest });
  // As those of the server itself are: what it is to do with connections, they leave to it.
  const more = Array.from({ length: socketsAtPort - 1 }, () =>
    createNetServer({ allowHalfOpen: true, noDelay: true }, (socket) => void server.emit('connection', socket)),
  );
  const close = closable(server, more);
  const cutUpgraded = onUpgrade && takeUpgrades(server, onUpgrade);
  const taken = await opened(server, more, { port, host });
  const cut = () => {
    server.closeAllConnections();
    cutUpgraded?.();
  };
  return { port: taken, url: `http://${host}:${taken}`, close, cut };
}

/** @returns what cuts those that are still open: Node forgets a connection that was upgraded */
function takeUpgrades(server: Server, onUpgrade: OnUpgrade): () => void {
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    upgraded.add(socket.once('close', () => upgraded.delete(socket)));
    socket.on('error', () => socket.destroy()); // as when its client is gone: nobody else listens, and it would end the process
    onUpgrade(request, socket, head);
  });
  return () => upgraded.forEach((socket) => socket.destroy());
}

/** @returns the port. @throws when it is taken; nothing is listened at */
async function opened(
  server: Server,
  more: NetServer[],
  { port, host }: { port: number; host: string },
): Promise<number> {
  // Longer than nginx keeps its side open (60 s), or it would send requests into closing connections.
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  const shared = { host, backlog: backlogOfConnections, reusePort: more.length > 0 };
  // Who shares a port is not told that somebody else of the same user has it.
  if (port !== 0 && shared.reusePort) await isFree(port, host);
  try {
    await listenAt(server, { ...shared, port });
    const { port: taken } = server.address() as AddressInfo;
    await Promise.all(more.map((one) => listenAt(one, { ...shared, port: taken })));
    return taken;
  } catch (error) {
    for (const one of [server, ...more]) one.close();
    throw error;
  }
}

/** @throws when the port is taken */
async function isFree(port: number, host: string): Promise<void> {
  const probe = createNetServer();
  await listenAt(probe, { port, host });
  await new Promise((resolve) => probe.close(resolve));
}

const listenAt = (server: NetServer, at: ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
  });
