import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openApiDocument } from '@flash-sale/contract/api/openapi.ts';
import { idempotencyKey } from '@flash-sale/contract/api/operations/parameters.ts';
import { notFound, problemHandler } from '@flash-sale/shared/http/problem.ts';
import express from 'express';
import { docs } from './docs.ts';

let server: Server;
let url: string;
const get = (path: string) => fetch(`${url}${path}`, { redirect: 'manual' });

beforeAll(async () => {
  server = createServer(express().use(docs()).use(notFound).use(problemHandler));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server?.close(resolve)));

describe('the documentation', () => {
  test('is reached without the slash, too', async () => {
    const response = await get('/api/docs');
    expect([response.status, response.headers.get('location')]).toEqual([308, '/api/docs/']);
  });

  test('is a page without inline scripts or foreign addresses, under a strict policy', async () => {
    const response = await get('/api/docs/');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; (?!.*unsafe)/);
    const page = await response.text();
    expect(page).not.toMatch(/<script>|https?:|\bon\w+=/);
  });

  test.each(['', 'initializer.js', 'swagger-ui.css', 'favicon-32x32.png', 'openapi.json'])(
    'is sent as a whole, whatever part of %j is asked for',
    async (name) => {
      const whole = await (await get(`/api/docs/${name}`)).text();
      for (const range of ['bytes=0-9', 'bytes=99999999-', 'bytes=9-0', 'pages=1-2']) {
        const response = await fetch(`${url}/api/docs/${name}`, { headers: { range } });
        expect([range, response.status, response.headers.get('content-range')]).toEqual([range, 200, null]);
        expect(await response.text()).toBe(whole);
      }
    },
  );

  test('has every file that the page names', async () => {
    const page = await (await get('/api/docs/')).text();
    const names = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, name]) => name);
    expect(names).toContain('swagger-ui-bundle.js');
    for (const name of names) {
      const response = await get(`/api/docs/${name}`);
      expect([name, response.status]).toEqual([name, 200]);
      await response.body?.cancel();
    }
  });

  test('sends a new key in place of the example each time, and leaves alone one that was typed', async () => {
    const initializer = await (await get('/api/docs/initializer.js')).text();
    const document = openApiDocument();
    type Interceptor = (request: { headers?: Record<string, string> }) => { headers?: Record<string, string> };
    let intercept: Interceptor = (request) => request;
    const SwaggerUIBundle = (options: { requestInterceptor: Interceptor }) => {
      intercept = options.requestInterceptor;
      return { specSelectors: { specJson: () => ({ toJS: () => document }) } };
    };
    runInNewContext(initializer, { window: { SwaggerUIBundle, crypto } });

    const { example } = idempotencyKey as { example: string };
    const sent = (key: string) => intercept({ headers: { 'Idempotency-Key': key } }).headers!['Idempotency-Key']!;
    const keys = [sent(example), sent(example)];
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set([example, ...keys]).size).toBe(3);
    expect(sent('typed')).toBe('typed');
    expect(intercept({})).toEqual({});
    expect(intercept({ headers: {} })).toEqual({ headers: {} });
  });

  test('has the document as JSON', async () => {
    const response = await get('/api/docs/openapi.json');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toMatchObject({ openapi: '3.1.0', paths: { '/api/payments': {} } });
  });

  test('is answered from the cache of the browser while it has not changed', async () => {
    const first = await get('/api/docs/swagger-ui.css');
    await first.body?.cancel();
    // Not by fetch: it asks for a fresh answer whenever it is given a condition.
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
    const [second] = (await once(request(`${url}/api/docs/swagger-ui.css`, { headers }).end(), 'response')) as [
      IncomingMessage,
    ];
    second.resume();
    expect(second.statusCode).toBe(304);
  });

  test.each(['package.json', 'index.css', '..%2fdocs.ts', 'initializer.js/', 'swagger-initializer.js'])(
    'has no %s',
    async (name) => {
      const response = await get(`/api/docs/${name}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ type: '/problems/not-found' });
    },
  );
});
