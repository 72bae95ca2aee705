import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OnRequest } from '../http/app.ts';
import { closable } from '../http/closable.ts';
import { answerUnreadable } from '../http/unreadable.ts';
import type { Logger } from '../log.ts';

/** Connections that the system accepts before the process has come to them: a sale opens to thousands at once. */
const backlogOfConnections = 4_096;

export interface Listener {
  port: number;
  url: string;
  /** Takes no more connections, and ends when the last one is closed; see `closable`. */
  close: (idleMs: number) => Promise<void>;
  /** Cuts whatever is still open. */
  cut: () => void;
}

/** Brings requests to an application. @throws when the port is taken */
export async function listen(options: {
  app: RequestListener;
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  /** Hears of requests that never reach the application. */
  onRequest: OnRequest;
}): Promise<Listener> {
  const { app, host, port, log, onRequest } = options;
  const server = createServer({ requireHostHeader: false }, app);
  answerUnreadable(server, { log, onRequest });
  const close = closable(server);
  await opened(server, port, host);
  const { port: taken } = server.address() as AddressInfo;
  return { port: taken, url: `http://${host}:${taken}`, close, cut: () => server.closeAllConnections() };
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
