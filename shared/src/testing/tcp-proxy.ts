import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a service and a server so that a test can take the network away. */
export interface TcpProxy {
  /** The given URL with this proxy's address in place of the server's. */
  url: string;
  /** Ends all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Keeps connections open, accepts new ones, and lets nothing through any more. */
  stall(): void;
  /** Lets nothing through any more on the connections there are, as when a firewall forgets them; new ones work. */
  forget(): void;
  restore(): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const pairs = new Set<[Socket, Socket]>();
  let stalled = false;
  const forgotten = new WeakSet<[Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect({ host: target.hostname, port: Number(target.port) });
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        if (forgotten.has(pair) && server.listening) return; // not even the end of the other side comes through
        pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
    const passes = () => !stalled && !forgotten.has(pair);
    near.on('data', (data) => void (passes() && far.write(data)));
    far.on('data', (data) => void (passes() && near.write(data)));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  const drop = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const cut = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    drop();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    cut,
    stall: () => void (stalled = true),
    forget: () => pairs.forEach((pair) => forgotten.add(pair)),
    async restore() {
      if (stalled) drop();
      stalled = false;
      if (!server.listening) await listen(port);
    },
    close: cut,
  };
}
