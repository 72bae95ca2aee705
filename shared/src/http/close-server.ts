import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';

/**
 * Takes no more connections, and ends when the last one is closed. Until then each may bring another request: the balancer may be
 * sending one just now, and does not repeat a POST that it has sent into a closing connection. An answer closes its
 * connection; those that bring nothing are closed after `idleMs`. A new connection is refused at once, which the balancer
 * takes to the next instance, whatever the request.
 */
export function closeServer(server: Server, idleMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Before the application's own listener, which may answer at once.
    server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'));
    const closeIdle = setInterval(() => server.closeIdleConnections(), idleMs);
    // Not the one of node:http, which begins with closing the idle connections.
    NetServer.prototype.close.call(server, () => {
      clearInterval(closeIdle);
      server.close(); // ends the watch over slow requests, too
      resolve();
    });
  });
}
