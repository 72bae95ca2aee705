import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { OnRequest } from '../http/app.ts';
import { closable } from '../http/closable.ts';
import { answerUnreadable } from '../http/unreadable.ts';
import type { Logger } from '../log.ts';

/** Connections that the system accepts before the process has come to them: a sale opens to thousands at once. */
const backlogOfConnections = 4_096;

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
  const close = closable(server);
  const cutUpgraded = onUpgrade && takeUpgrades(server, onUpgrade);
  await opened(server, port, host);
  const { port: taken } = server.address() as AddressInfo;
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

function opened(server: Server, port: number, host: string): Promise<void> {
  // Longer than nginx keeps its side open (60 s), or it would send requests into closing connections.
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, backlogOfConnections, () => resolve());
  });
}
