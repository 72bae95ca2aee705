import { rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { freePort } from '../free-port.ts';
import { nginxProgram } from '../nginx.ts';
import { preparePrograms } from '../programs.ts';
import { Supervised } from '../supervised.ts';
import { masterFolder, unprivilegedUser } from '../unprivileged.ts';

export interface EdgeAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** A real nginx, with one server behind it for all services, which tells what reached it. */
export interface Edge {
  publicPort: number;
  proxyProtocolPort: number;
  logFile: string;
  /** What has reached the services since the last call of this. */
  reached(): { url: string; method: string; headers: IncomingHttpHeaders }[];
  /** Sends bytes as they are, and reads until nginx closes; undefined if it closes without a word. */
  raw(bytes: string | Buffer, options?: { port?: number; host?: string }): Promise<EdgeAnswer | undefined>;
  close(): Promise<void>;
}

export interface EdgeOptions {
  /** The settings, which may depend on where nginx listens. */
  edge: Record<string, string> | ((taken: { publicPort: number; internalPort: number }) => Record<string, string>);
  addresses?: string[];
  /** Of the folder in which it runs. */
  name?: string;
}

export async function startEdge({ edge, addresses = ['127.0.0.1'], name = 'edge' }: EdgeOptions): Promise<Edge> {
  const home = await temporaryFolder(name);
  const seen: ReturnType<Edge['reached']> = [];
  const upstream = createServer((request, response) => {
    seen.push({ url: request.url ?? '', method: request.method ?? '', headers: request.headers });
    if (request.url === '/api/orders/gone') return void request.socket.destroy();
    response.writeHead(request.url?.endsWith('/refused') ? 409 : 200, { 'Content-Type': 'application/json' });
    request.resume().on('end', () => response.end('{}'));
  });
  const port = await listening(upstream);
  const [publicPort, internalPort, proxyProtocolPort] = [await freePort(), await freePort(), await freePort()];
  const settings = typeof edge === 'function' ? edge({ publicPort, internalPort }) : edge;
  const runAs = await unprivilegedUser('nginx');
  const logFile = join(home, 'nginx.log');
  const closeUpstream = () => upstream.close().closeAllConnections();
  const remove = () => rm(home, { recursive: true });
  try {
    const program = await nginxProgram({
      executable: (await preparePrograms(['nginx'], console.log)).nginx[0] ?? 'nginx',
      folder: await masterFolder(home, 'nginx', runAs),
      logFile,
      publicAddresses: addresses,
      publicPort,
      internalPort,
      balance: 'round-robin',
      ports: Object.fromEntries(serviceNames.map((service) => [service, [port]])) as Record<ServiceName, number[]>,
      edge: { EDGE_PROXY_PROTOCOL_PORT: String(proxyProtocolPort), ...settings },
      runAs,
    });
    const silent = () => undefined;
    const nginx = new Supervised(program, { say: silent, started: silent, ended: silent, gaveUp: silent });
    await nginx.start();
    return {
      publicPort,
      proxyProtocolPort,
      logFile,
      reached: () => seen.splice(0),
      raw: (bytes, options = {}) => raw(bytes, { port: publicPort, host: '127.0.0.1', ...options }),
      close: async () => {
        await nginx.stop();
        closeUpstream();
        await remove();
      },
    };
  } catch (error) {
    closeUpstream();
    await remove();
    throw error;
  }
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function raw(bytes: string | Buffer, to: { port: number; host: string }): Promise<EdgeAnswer | undefined> {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(to);
    const chunks: Buffer[] = [];
    const done = () => resolve(Buffer.concat(chunks).toString('utf8'));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', done);
    // It may close while we are still writing.
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? reject(error) : done()));
    socket.write(bytes);
  });
  if (text === '') return undefined;
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...fields] = head.split('\r\n');
  const headers = new Headers();
  for (const field of fields) headers.append(...(field.split(/:\s*(.*)/s).slice(0, 2) as [string, string]));
  return { status: Number(statusLine.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
}
