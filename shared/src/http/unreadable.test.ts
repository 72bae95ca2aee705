import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Router, type RequestHandler } from 'express';
import { pino } from 'pino';
import { eventually } from '../testing/eventually.ts';
import { createApp } from './app.ts';
import { answerUnreadable } from './unreadable.ts';

const lines: Record<string, unknown>[] = [];
const counted: string[] = [];
let server: Server;
let release: (() => void) | undefined;

beforeAll(async () => {
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  const onRequest = (...[route, method, status]: [string, string, number, number]) =>
    void counted.push(`${route} ${method} ${status}`);
  const publicRoutes = Router();
  publicRoutes.get('/works', (_request, response) => void response.json({}));
  publicRoutes.post('/works', ({ body }, response) => void response.json(body));
  publicRoutes.get('/slow', async (_request, response) => {
    await new Promise<void>((resolve) => (release = resolve));
    response.json({ slow: true });
  });
  const guard: RequestHandler = (_request, _response, next) => next();
  const app = createApp({
    log,
    onRequest,
    trustedProxies: 'loopback',
    publicRoutes,
    internal: { guard, routes: Router() },
  });
  server = createServer({ requireHostHeader: false, connectionsCheckingInterval: 50 }, app as RequestListener);
  server.headersTimeout = 200;
  server.requestTimeout = 200;
  answerUnreadable(server, { log, onRequest });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  lines.splice(0);
  counted.splice(0);
});

/** Sends bytes, and reads until the server closes. */
function send(bytes: string | Buffer, afterwards?: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.once('end', () => resolve(text)).once('error', reject);
    socket.write(bytes, afterwards);
  });
}
const head = 'Host: x\r\nContent-Type: application/json\r\n';

describe('what Node cannot read', () => {
  test.each<[string, string | Buffer, number, string]>([
    ['a control character in a header', `GET /works HTTP/1.1\r\n${head}X-A: a\x01b\r\n\r\n`, 400, 'bad-request'],
    ['a method that nobody knows', `FOO /works HTTP/1.1\r\n${head}\r\n`, 400, 'bad-request'],
    ['no request', 'nonsense\r\n\r\n', 400, 'bad-request'],
    ['TLS', Buffer.from('16030100a5010000a10303', 'hex'), 400, 'bad-request'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad-request'],
    [
      'headers that are too large',
      `GET /works HTTP/1.1\r\n${head}X-A: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
    [
      'two lengths',
      `POST /works HTTP/1.1\r\n${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
      400,
      'bad-request',
    ],
    ['headers that do not end', `GET /works HTTP/1.1\r\n${head}`, 408, 'request-timeout'],
    [
      'chunks that are none',
      `POST /works HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
      'bad-request',
    ],
    ['a body that does not end', `POST /works HTTP/1.1\r\n${head}Content-Length: 9\r\n\r\n{`, 408, 'request-timeout'],
    ['no host', 'GET /works HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'bad-request'],
  ])('%s: a problem document, one line in the log, counted once', async (_what, bytes, status, code) => {
    const [answer = '', body = ''] = (await send(bytes)).split('\r\n\r\n');
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/^content-type: application\/problem\+json/im);
    expect(answer).toMatch(/^connection: close/im);
    expect(JSON.parse(body)).toMatchObject({ type: `/problems/${code}`, status });
    await eventually(() =>
      expect(counted).toEqual([expect.stringMatching(new RegExp(`^other (GET|POST|unknown) ${status}$`))]),
    );
    expect(lines).toMatchObject([{ level: 30, status, code }]);
  });

  test('what else a client expects does not matter', async () => {
    expect(await send(`GET /works HTTP/1.1\r\n${head}Expect: wonders\r\nConnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 200 /,
    );
  });

  test('nonsense after a request does not take its answer away', async () => {
    const answer = send(`GET /slow HTTP/1.1\r\n${head}\r\nnonsense\r\n\r\n`);
    await eventually(() => expect(counted).toEqual(['other unknown 400']));
    release!();
    expect(await answer).toMatch(/^HTTP\/1.1 200 [^]*{"slow":true}$/);
    await eventually(() => expect(counted).toEqual(['other unknown 400', '/slow GET 200']));
  });

  test('a client that leaves is not counted here', async () => {
    const gone = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /wor', () => socket.resetAndDestroy());
    await gone;
    expect([counted, lines]).toEqual([[], []]);
  });
});
