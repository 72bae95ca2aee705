import { lstat, readdir, rm } from 'node:fs/promises';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { freePort } from './free-port.ts';
import { nginxProgram } from './nginx.ts';
import { preparePrograms } from './programs.ts';
import { runCommand } from './run-command.ts';
import { Supervised } from './supervised.ts';
import { masterFolder, unprivilegedUser } from './unprivileged.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';

interface Echo {
  server: string;
  path: string;
  headers: IncomingHttpHeaders;
}

let home: string;
let nginx: Supervised;
let publicPort: number;
let internalPort: number;
/** `user-1`, `user-2` and so on; the first payment server breaks every connection, and nobody listens for orders. */
const servers = new Map<string, Server>();
let reached: string[] = [];
/** Servers that take requests and do not answer, like a process that hangs. */
let hanging: string[] = [];
const slowMs = 3_500;

beforeAll(async () => {
  home = await temporaryFolder('nginx');
  [publicPort, internalPort] = [await freePort(), await freePort()];
  const ports = {} as Record<ServiceName, number[]>;
  for (const name of serviceNames) ports[name] = [await startEcho(`${name}-1`), await startEcho(`${name}-2`)];
  for (const server of [servers.get('order-1'), servers.get('order-2')]) server?.close();
  const runAs = await unprivilegedUser('nginx');
  const program = await nginxProgram({
    executable: (await preparePrograms(['nginx'], console.log)).nginx[0] ?? 'nginx',
    folder: await masterFolder(home, 'nginx', runAs),
    logFile: join(home, 'nginx.log'),
    publicAddresses: ['127.0.0.1'],
    publicPort,
    internalPort,
    balance: 'least-connections',
    ports,
    runAs,
  });
  const silent = () => undefined;
  nginx = new Supervised(program, { say: silent, started: silent, ended: silent, gaveUp: silent });
  await nginx.start();
});

afterAll(async () => {
  await nginx?.stop();
  for (const server of servers.values()) server.close().closeAllConnections();
  await rm(home, { recursive: true });
});

async function startEcho(name: string): Promise<number> {
  const port = await freePort();
  const server = createServer((incoming, response) => {
    reached.push(name);
    const path = incoming.url ?? '';
    if (name === 'payment-1' || (path.endsWith('/breaks') && name.endsWith('-1'))) {
      return void incoming.socket.destroy();
    }
    if (hanging.includes(name)) return;
    const answer = () => {
      const echo: Echo = { server: name, path, headers: incoming.headers };
      const isProblem = echo.path.endsWith('/refused');
      response.writeHead(isProblem ? 409 : 200, {
        'Content-Type': isProblem ? 'application/problem+json' : 'application/json',
      });
      response.end(JSON.stringify(isProblem ? { type: '/problems/sold-out' } : echo));
    };
    incoming.resume().on('end', () => (path.endsWith('/slow') ? void setTimeout(answer, slowMs) : answer()));
  });
  await listen(server, port);
  servers.set(name, server);
  return port;
}

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  json: Record<string, unknown> & Partial<Echo>;
}

/** By node:http, which sends paths and headers as they are given. */
function send(path: string, options: { method?: string; body?: string; headers?: object; port?: number } = {}) {
  const { method = 'GET', body, headers = {}, port = publicPort } = options;
  reached = [];
  return new Promise<Answer>((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers: { ...headers }, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => {
          const isJson = text !== '' && response.headers['content-type']?.includes('json');
          const json = (isJson ? JSON.parse(text) : {}) as Answer['json'];
          resolve({ status: response.statusCode ?? 0, headers: response.headers, json });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

function expectProblem(answer: Answer, status: number, code: string) {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(answer.json).toEqual({
    type: `/problems/${code}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
  });
  expect(answer.status).toBe(status);
}

test('nginx itself finds nothing to complain about', async () => {
  const { command, args, cwd } = nginx.program;
  const { output } = await runCommand(command, [...args, '-t'], { cwd });
  expect(output).toContain('test is successful');
  expect(output).not.toContain('[warn]');
});

// Who is not root runs everything as one user.
(process.getuid?.() === 0 ? test : test.skip)('its workers can change nothing that its master reads', async () => {
  const folder = nginx.program.cwd;
  const found = ['.', ...(await readdir(folder))];
  const infos = await Promise.all(found.map(async (name) => ({ name, ...(await lstat(join(folder, name))) })));
  const theirs = infos.filter(({ uid }) => uid !== 0).map(({ name }) => name);
  expect(theirs.sort()).toEqual(['client-body', 'fastcgi', 'proxy', 'scgi', 'uwsgi']);
  const ours = infos.filter(({ uid, mode }) => uid === 0 && (mode & 0o170_000) !== 0o120_000);
  expect(ours.map(({ name }) => name)).toEqual(expect.arrayContaining(['.', 'nginx.conf', 'nginx.pid']));
  expect(ours.filter(({ mode }) => (mode & 0o022) !== 0)).toEqual([]);
});

describe('the public listener', () => {
  test.each([
    ['/api/users', 'user'],
    ['/api/users/me', 'user'],
    ['/api/sessions/refresh', 'user'],
    ['/api/docs/', 'user'],
    ['/api/products?limit=2', 'inventory'],
    ['/api/carts/1/items', 'reservation'],
    ['/api/reservations/1', 'reservation'],
  ])('sends %s to %s, as it is', async (path, service) => {
    const { json } = await send(path);
    expect(json.server).toMatch(service);
    expect(json.path).toBe(path);
  });

  test('uses both instances', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => send('/api/users')));
    expect(new Set(answers.map(({ json }) => json.server))).toEqual(new Set(['user-1', 'user-2']));
  });

  test('answers for the health of the whole platform', async () => {
    expect((await send('/healthz')).json.path).toBe('/platform/healthz');
    expect((await send('/readyz')).json.path).toBe('/platform/readyz');
  });

  test('leads from / to the documentation', async () => {
    const { status, headers } = await send('/');
    expect(status).toBe(302);
    expect(headers.location).toBe('/api/docs/');
  });

  test.each([
    '/nothing',
    '/api',
    '/internal/user/events',
    '/internal/events',
    '/platform/healthz',
    '/metrics',
    '/api/users/..%2f..%2fmetrics',
    '/api/products/../../metrics',
    '//internal/user/events',
    '/api/users/../../internal/user/events',
    '/api/users/%2e%2e/%2e%2e/internal/user/events',
    '/api/users/..%2f..%2finternal/user/events',
    '/problem/not-found',
  ])('does not know %s', async (path) => {
    expectProblem(await send(path), 404, 'not-found');
    expect(reached).toEqual([]);
  });

  test('replaces what a client says about where it comes from', async () => {
    const { json } = await send('/api/users', {
      headers: { 'X-Forwarded-For': '203.0.113.7', 'X-Request-Id': 'mine' },
    });
    expect(json.headers?.['x-forwarded-for']).toBe('127.0.0.1');
    expect(json.headers?.['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  test('keeps the Host and its connections to the services', async () => {
    const { json } = await send('/api/users', { headers: { Host: 'shop.example:8080', Connection: 'close' } });
    expect(json.headers?.host).toBe('shop.example:8080');
    expect(json.headers?.connection).not.toBe('close');
  });

  test('takes a body of 100 KB, and none larger', async () => {
    const allowed = await send('/api/users', { method: 'POST', body: 'x'.repeat(100 * 1024) });
    expect(allowed.status).toBe(200);
    expectProblem(
      await send('/api/users', { method: 'POST', body: 'x'.repeat(100 * 1024 + 1) }),
      413,
      'payload-too-large',
    );
  });

  test('refuses what is malformed or too long', async () => {
    expectProblem(await send(`/api/users?${'x'.repeat(5_000)}`), 414, 'headers-too-large');
    expectProblem(await send('/api/users', { headers: { Cookie: 'x'.repeat(20_000) } }), 431, 'headers-too-large');
    expectProblem(await send('/api/users', { headers: { 'Content-Length': 'x' } }), 400, 'bad-request');
  });

  test('passes the problems of the services on', async () => {
    const { status, json } = await send('/api/reservations/refused', { method: 'POST' });
    expect(status).toBe(409);
    expect(json).toEqual({ type: '/problems/sold-out' });
  });

  test('says when nobody is there, and when to come back', async () => {
    const answer = await send('/api/orders/1');
    expectProblem(answer, 502, 'bad-gateway');
    expect(answer.headers['retry-after']).toBe('1');
  });

  test('repeats a payment on the other instance, because it carries an Idempotency-Key', async () => {
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await send('/api/payments', { method: 'POST', body: '{}' }));
    expect(answers.map(({ status, json }) => `${status} ${json.server}`)).toEqual(Array(4).fill('200 payment-2'));
  });
});

describe('when an instance does not answer', () => {
  // Seconds pass in each of these; before 40 s have passed, nginx gives up whatever it is.
  const beforeNginxGivesUpMs = 20_000;
  jest.setTimeout(60_000);
  afterEach(() => void (hanging = []));

  async function timed<Result>(work: Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    const result = await work;
    expect(performance.now() - startedAt).toBeLessThan(beforeNginxGivesUpMs);
    return result;
  }
  /** Two, so that each instance is the first choice of one. */
  const twice = (path: string, options: Parameters<typeof send>[1]) =>
    timed(Promise.all([send(path, options), send(path, options)]));
  const statuses = (answers: Answer[]) => answers.map(({ status }) => status);

  test.each([
    ['GET', '/api/users/me', 'user'],
    ['GET', '/api/docs/', 'user'],
    ['GET', '/api/products', 'inventory'],
    ['HEAD', '/api/products/1', 'inventory'],
    ['GET', '/api/carts/1', 'reservation'],
    ['GET', '/api/reservations/1', 'reservation'],
  ])('%s %s is answered by the other one', async (method, path, service) => {
    hanging = [`${service}-1`];
    expect(statuses(await twice(path, { method }))).toEqual([200, 200]);
    expect(reached.filter((name) => name === `${service}-2`)).toHaveLength(2);
  });

  test.each(['/healthz', '/readyz'])('%s is answered by whoever does', async (path) => {
    hanging = ['user-1'];
    // As many as there are servers, so that it is the first choice of one.
    const answers = await timed(Promise.all(Array.from({ length: servers.size }, () => send(path))));
    expect(new Set(statuses(answers))).toEqual(new Set([200]));
  });

  test.each([
    ['a step of a sale', 'POST', '/internal/inventory/events'],
    ['a question after its health', 'GET', '/internal/inventory/readyz'],
  ])('%s goes to the other one, since it may come twice', async (_, method, path) => {
    hanging = ['inventory-1'];
    const asked = { method, port: internalPort, ...(method === 'POST' ? { body: '{}' } : {}) };
    expect(statuses(await twice(path, asked))).toEqual([200, 200]);
  });

  test('whoever asks to wait waits at one of them', async () => {
    const { status } = await send('/api/reservations/1/slow', { headers: { Prefer: 'wait=10' } });
    expect([status, reached.length]).toEqual([200, 1]);
  });

  test.each([
    ['POST', '/api/carts/slow'],
    ['POST', '/api/reservations/slow'],
    ['PATCH', '/api/products/slow'],
    ['DELETE', '/api/carts/slow'],
  ])('%s %s, which changes something, is waited for', async (method, path) => {
    const { status } = await send(path, { method, body: '{}' });
    expect([status, reached.length]).toEqual([200, 1]);
  });

  test('all being slow is no failure', async () => {
    const { status } = await send('/api/products/slow');
    expect(status).toBe(200);
    // Both were tried, and one of them was waited for.
    expect(new Set(reached)).toEqual(new Set(['inventory-1', 'inventory-2']));
    expect(reached).toHaveLength(3);
  });

  test.each([
    ['/api/carts/breaks', [200, 502]],
    ['/api/products/breaks', [200, 502]],
    ['/api/reservations/breaks', [200, 200]],
    ['/api/sessions?/breaks', [200, 200]],
    ['/api/sessions/refresh/breaks', [200, 502]],
  ])(
    'POST %s, begun and broken off, is repeated only where it carries a key, or is a log-in',
    async (path, expected) => {
      const answers = await twice(path, { method: 'POST', body: '{}' });
      expect(statuses(answers).sort()).toEqual(expected);
    },
  );

  test('one that is back is asked at once, whoever waits there already', async () => {
    const both = ['user-1', 'user-2'].map((name) => servers.get(name)!);
    const ports = both.map((server) => (server.address() as AddressInfo).port);
    for (const server of both) server.close().closeAllConnections();
    for (let i = 0; i < 4; i++) expect((await send('/api/users')).status).toBe(502);
    await Promise.all(both.map((server, n) => listen(server, ports[n]!)));
    const waiting = ['/api/users/slow', '/api/users/slow'].map((path) =>
      send(path, { headers: { Prefer: 'wait=10' } }),
    );
    for (let i = 0; i < 10; i++) expect((await send('/api/users')).status).toBe(200);
    expect(statuses(await Promise.all(waiting))).toEqual([200, 200]);
  });
});

describe('the internal listener', () => {
  test.each(serviceNames.filter((name) => name !== 'order'))('leads to %s', async (name) => {
    const { json } = await send(`/internal/${name}/events?a=1`, { port: internalPort, method: 'POST', body: '{}' });
    expect(json.server).toMatch(name);
    expect(json.path).toBe('/internal/events?a=1');
  });

  test('takes a large batch', async () => {
    const body = 'x'.repeat(4 * 1024 * 1024);
    const { status } = await send('/internal/user/events', { port: internalPort, method: 'POST', body });
    expect(status).toBe(200);
  });

  test('passes the id of a request on', async () => {
    const headers = { 'X-Request-Id': 'the-first' };
    const { json } = await send('/internal/user/events', { port: internalPort, headers });
    expect(json.headers?.['x-request-id']).toBe('the-first');
  });

  test('has nothing of the public API', async () => {
    expectProblem(await send('/api/users', { port: internalPort }), 404, 'not-found');
    expectProblem(await send('/metrics', { port: internalPort }), 404, 'not-found');
  });
});
