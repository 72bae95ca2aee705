import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';

/** Times `idleMs` after which idle connections are closed, whatever still comes over others. */
const idleAtMost = 4;

/**
 * Prepares a server, before it listens, to be closed while a balancer still sends to it. The function returned takes no more
 * connections, and ends when the last one is closed. Until then each may bring another request: the balancer may be
 * sending one just now, and does not repeat a POST that it has sent into a closing connection. So an answer, also one that
 * was under way, says that it closes its connection, and idle ones are closed when none has brought a request for `idleMs`:
 * before, the balancer is still using them up. A new connection is refused at once, which the balancer takes to the next
 * instance, whatever the request.
 * @param others take connections too, and leave them to the server
 */
export function closable(server: Server, others: NetServer[] = []): (idleMs: number) => Promise<void> {
  const answering = new Set<ServerResponse>();
  // Before the application's own listener, which may answer at once.
  server.prependListener('request', (_request, response) => {
    answering.add(response);
    response.once('close', () => answering.delete(response));
  });
  return (idleMs) =>
    new Promise((resolve) => {
      let requests = 0;
      const closeIdle = () => server.closeIdleConnections();
      // On a busy machine the time may be over with requests still to be read: those first.
      const closeIfQuiet = (before: number) => setImmediate(() => requests === before && closeIdle());
      const whenQuiet = setInterval(() => closeIfQuiet(requests), idleMs);
      const anyway = setInterval(() => setImmediate(closeIdle), idleMs * idleAtMost);
      for (const response of answering) closeWith(response);
      server.prependListener('request', (_request, response) => {
        requests += 1;
        whenQuiet.refresh();
        closeWith(response);
      });
      // Not the one of node:http, which begins with closing the idle connections.
      const closed = (one: NetServer) => new Promise((done) => NetServer.prototype.close.call(one, done));
      void Promise.all([server, ...others].map(closed)).then(() => {
        clearInterval(whenQuiet);
        clearInterval(anyway);
        server.close(); // ends the watch over slow requests, too
        resolve();
      });
    });
}

function closeWith(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
