import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Router } from 'express';
import { pino } from 'pino';
import { z } from 'zod';
import { requireInternal } from '../auth.ts';
import { AppError, type ErrorCode } from '@flash-sale/contract/errors.ts';
import { eventually } from '../testing/eventually.ts';
import { createApp } from './app.ts';
import { bodyOf } from './validate.ts';

const token = 'the token of the services';
const lines: Record<string, unknown>[] = [];
let server: Server;
let baseUrl: string;

beforeAll(async () => {
  const log = pino(
    { level: 'debug' },
    { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const publicRoutes = Router();
  publicRoutes.post(
    '/echo',
    (request, response) => void response.json(bodyOf(request, z.strictObject({ n: z.number().optional() }))),
  );
  publicRoutes.post('/size', (request, response) => void response.json({ size: JSON.stringify(request.body).length }));
  publicRoutes.get('/fails/:code', ({ params }) => {
    throw new AppError(params.code as ErrorCode, 'As told.', { cause: new Error('connect ECONNREFUSED 10.0.0.1') });
  });
  publicRoutes.use(Router().get('/within/:id', (_request, response) => void response.json({})));
  publicRoutes.use(Router().delete('/within/:id', (_request, response) => void response.json({})));
  publicRoutes.post('/within/own', (_request, response) => void response.json({}));
  publicRoutes.get('/bug', () => Promise.reject(new TypeError('secret of the code')));
  publicRoutes.get('/half', (_request, response) => {
    response.write('half an ');
    throw new Error('in the middle');
  });
  publicRoutes.get('/address', (request, response) => void response.json({ ip: request.ip }));
  const routes = Router();
  routes.post('/size', (request, response) => void response.json({ size: JSON.stringify(request.body).length }));
  const app = createApp({
    log,
    trustedProxies: 'loopback',
    publicRoutes,
    internal: { guard: requireInternal(token), routes },
  });
  server = createServer(app as RequestListener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => void lines.splice(0));

const json = { 'content-type': 'application/json' };
async function ask(path: string, options: RequestInit = {}) {
  const response = await fetch(`${baseUrl}${path}`, options);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}
const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json) =>
  ask(path, { method: 'POST', body, headers });
const theLine = () =>
  eventually(() => {
    expect(lines).toHaveLength(1);
    return lines[0]!;
  });

describe('bodies', () => {
  test.each<[string, string | Uint8Array<ArrayBuffer>, Record<string, string>, number, string]>([
    ['broken JSON', '{"n":', json, 400, 'malformed-json'],
    ['JSON that is no object', '7', json, 400, 'malformed-json'],
    ['more than 100 KB', JSON.stringify({ n: 'x'.repeat(102_400) }), json, 413, 'payload-too-large'],
    [
      'a compressed one',
      new Uint8Array(gzipSync('{"n":1}')),
      { ...json, 'content-encoding': 'gzip' },
      415,
      'unsupported-media-type',
    ],
    [
      'another charset',
      '{"n":1}',
      { 'content-type': 'application/json; charset=latin1' },
      415,
      'unsupported-media-type',
    ],
    ['a form', 'n=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported-media-type'],
    ['a type left out', new Uint8Array([123, 125]), {}, 415, 'unsupported-media-type'],
    ['half a character', String.raw`{"n":"\ud83d"}`, json, 422, 'invalid-input'],
    ['a zero byte', String.raw`{"n":"\u0000"}`, json, 422, 'invalid-input'],
    ['what is no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), json, 400, 'malformed-json'],
    ['an unknown field', '{"m":1}', json, 422, 'invalid-input'],
    ['a field of the prototype', '{"__proto__":{"n":1}}', json, 422, 'invalid-input'],
  ])('%s is refused', async (_what, body, headers, status, code) => {
    const answer = await post('/echo', body, headers);
    expect(answer).toMatchObject({ status, body: { type: `/problems/${code}`, status } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  test('none at all is an empty one', async () => {
    expect(await ask('/echo', { method: 'POST' })).toMatchObject({ status: 200, body: {} });
  });

  test('just under 100 KB is taken', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(102_000) });
    expect((await post('/size', body)).body).toEqual({ size: body.length });
  });
});

describe('the internal side', () => {
  const large = JSON.stringify({ text: 'x'.repeat(4_000_000) });

  test('takes half a character from services, for an older release may have let it in', async () => {
    const body = String.raw`{"name":"\ud83d"}`;
    const answer = await post('/internal/size', body, { ...json, authorization: `Bearer ${token}` });
    expect(answer.status).toBe(200);
  });

  test('takes large bodies from services', async () => {
    const answer = await post('/internal/size', large, { ...json, authorization: `Bearer ${token}` });
    expect(answer.body).toEqual({ size: large.length });
  });

  test.each([
    ['a good body', '{}'],
    ['a broken one', '{'],
    ['a large one', large],
  ])('is not there for anybody else, whatever they send: %s', async (_what, body) => {
    const nothing = await post('/nothing', '{}');
    for (const headers of [json, { ...json, authorization: 'Bearer guessed' }]) {
      const answer = await post('/internal/size', body, headers);
      expect([answer.status, answer.body]).toEqual([404, nothing.body]);
    }
  });
});

describe('a path by another method', () => {
  test.each([
    ['GET', '/echo', 'POST, OPTIONS'],
    ['HEAD', '/echo', 'POST, OPTIONS'],
    ['PROPFIND', '/bug', 'GET, HEAD, OPTIONS'],
    ['POST', '/within/1?a=b', 'GET, HEAD, DELETE, OPTIONS'],
    ['PUT', '/within/own', 'POST, OPTIONS'],
  ])('%s %s is told which it has: %s', async (method, path, allow) => {
    const response = await fetch(`${baseUrl}${path}`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const text = await response.text();
    if (method !== 'HEAD')
      expect(JSON.parse(text)).toMatchObject({ type: '/problems/method-not-allowed', status: 405 });
    expect(await theLine()).toMatchObject({ level: 30, status: 405, code: 'method-not-allowed' });
  });

  test('HEAD is GET without its body', async () => {
    const head = await fetch(`${baseUrl}/address`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test.each([
    ['/address', 'GET, HEAD'],
    ['/within/1', 'GET, HEAD, DELETE'],
    ['/within/own', 'POST'],
  ])('OPTIONS tells those of all routers: %s has %s', async (path, allow) => {
    const options = await fetch(`${baseUrl}${path}`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow'), await options.text()]).toEqual([200, allow, allow]);
  });

  test.each(['/nothing', '/within', '/within/1/2', '/internal/size'])('%s is not there by any', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'OPTIONS']) expect((await ask(path, { method })).status).toBe(404);
  });
});

describe('errors', () => {
  test('a bug is told as such, without its insides, and logged in full', async () => {
    const answer = await ask('/bug');
    expect(answer).toMatchObject({ status: 500, body: { type: '/problems/internal' } });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(await theLine()).toMatchObject({
      level: 50,
      status: 500,
      path: '/bug',
      code: 'internal',
      err: { message: 'secret of the code', stack: expect.stringContaining('app.test.ts') as unknown },
    });
  });

  test.each(['overloaded', 'unavailable'])(
    '%s costs one short line without a stack, and says when to come again',
    async (code) => {
      const answer = await ask(`/fails/${code}`);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(JSON.stringify(answer.body)).not.toContain('10.0.0.1');
      const line = await theLine();
      expect(line).toMatchObject({ level: 40, status: 503, code, reason: 'connect ECONNREFUSED 10.0.0.1' });
      expect(JSON.stringify(line)).not.toContain('app.test.ts');
    },
  );

  test('a refusal is no warning', async () => {
    await ask('/fails/sold-out');
    expect(await theLine()).toMatchObject({ level: 30, status: 409, code: 'sold-out', method: 'GET' });
  });

  test('an answer that breaks off half way is cut, not ended as if it were whole', async () => {
    await expect(fetch(`${baseUrl}/half`).then((response) => response.text())).rejects.toThrow();
  });

  test('an address that cannot be decoded is a bad request', async () => {
    expect(await ask('/fails/%E0%A4%A')).toMatchObject({ status: 400, body: { type: '/problems/bad-request' } });
  });
});

describe('the line of a request', () => {
  test('names the request by its id, and has no query and no secrets', async () => {
    await ask('/nothing?token=secret', { headers: { 'x-request-id': 'r-1', authorization: 'Bearer secret' } });
    const line = await theLine();
    expect(line).toMatchObject({ method: 'GET', path: '/nothing', status: 404, requestId: 'r-1' });
    expect(line['ms']).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify(line)).not.toContain('secret');
  });
});

describe('the address of a client', () => {
  test('is what a trusted proxy says, and only the last untrusted of several', async () => {
    const of = async (forwarded: string) =>
      (await ask('/address', { headers: { 'x-forwarded-for': forwarded } })).body['ip'];
    expect(await of('203.0.113.7')).toBe('203.0.113.7');
    expect(await of('1.2.3.4, 203.0.113.7')).toBe('203.0.113.7');
  });
});

test('what is answered to somebody who is signed in is kept nowhere, whatever the answer', async () => {
  for (const path of ['/within/1', '/address', '/fails/forbidden', '/bug', '/nothing']) {
    const headers = { authorization: 'Bearer of-somebody' };
    expect((await fetch(`${baseUrl}${path}`, { headers })).headers.get('cache-control')).toBe('no-store');
    expect((await fetch(`${baseUrl}${path}`)).headers.get('cache-control')).toBeNull();
  }
});
