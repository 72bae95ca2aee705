import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { openApiDocument } from '@flash-sale/contract/api/openapi.ts';
import { startEdge, type Edge, type EdgeAnswer, type EdgeOptions } from './testing/edge.ts';

const request = (headers: Record<string, string> = {}, line = 'GET /api/users/me HTTP/1.1') => {
  const all = { Host: 'shop.example', Connection: 'close', ...headers };
  return `${line}\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
};

function expectProblem(answer: EdgeAnswer | undefined, status: number, code: string): void {
  expect(answer && { status: answer.status, type: answer.headers.get('content-type'), text: answer.text }).toEqual({
    status,
    type: 'application/problem+json',
    text: expect.stringContaining(`"type":"/problems/${code}"`),
  });
  expect(JSON.parse(answer!.text)).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
  expect(answer!.headers.get('x-content-type-options')).toBe('nosniff');
}

function withEdge(options: EdgeOptions): () => Edge {
  let edge: Edge | undefined;
  beforeAll(async () => {
    edge = await startEdge(options);
  });
  afterAll(() => edge?.close());
  return () => edge!;
}

/** Who the services are told that the client is. */
async function clientOf(edge: Edge, bytes: string | Buffer, to: { port?: number; host?: string } = {}) {
  edge.reached();
  expect((await edge.raw(bytes, to))?.status).toBe(200);
  const [asked] = edge.reached();
  return [asked!.headers['x-forwarded-for'], asked!.headers['x-forwarded-proto']];
}

const claim = (address: string, scheme = 'https') =>
  request({ 'X-Forwarded-For': address, 'X-Forwarded-Proto': scheme });

/** Version 2 of the PROXY protocol: a connection by TCP over IPv4. */
const proxyV2 = (address: string, text: string) =>
  Buffer.concat([
    Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
    Buffer.from([...address.split('.').map(Number), 10, 0, 0, 1, 0x30, 0x39, 0, 80]),
    Buffer.from(text),
  ]);

/** Version 2 without addresses. @param command 20: LOCAL, the balancer speaks for itself; 21: PROXY */
const proxyV2Of = (command: '20' | '21', text: string) =>
  Buffer.concat([Buffer.from(`0d0a0d0a000d0a515549540a${command}000000`, 'hex'), Buffer.from(text)]);

describe('with no trusted proxy', () => {
  const theEdge = withEdge({ edge: {}, addresses: ['0.0.0.0', '[::]'] });

  test.each(['127.0.0.1', '::1'])('whoever comes from %s is who comes', async (host) => {
    expect(await clientOf(theEdge(), claim('203.0.113.7'), { host })).toEqual([host, 'http']);
  });

  test('what the PROXY protocol says is not believed', async () => {
    const edge = theEdge();
    const bytes = `PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n${claim('203.0.113.8')}`;
    expect(await clientOf(edge, bytes, { port: edge.proxyProtocolPort })).toEqual(['127.0.0.1', 'http']);
  });
});

describe('behind trusted proxies', () => {
  const theEdge = withEdge({
    edge: { EDGE_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,2001:db8:1::/48' },
    addresses: ['0.0.0.0', '[::]'],
  });

  test.each([
    ['the address it adds', '203.0.113.7', '203.0.113.7'],
    ['the last one, whatever the client has claimed before it', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['the one before those that are proxies, too', '198.51.100.1, 203.0.113.7, 10.1.2.3, 10.9.9.9', '203.0.113.7'],
    ['an address of IPv6', '203.0.113.7, 2001:db8::7, 2001:db8:1::1', '2001:db8::7'],
    ['an address with a port', '203.0.113.7:1234', '203.0.113.7'],
    ['the proxy itself, when it adds no address', 'unknown', '127.0.0.1'],
    ['the proxy itself, when there is nothing', '', '127.0.0.1'],
    ['the last that is one', '203.0.113.7, nobody, 10.1.2.3', '10.1.2.3'],
    ['the first one when all are proxies', '10.1.1.1, 10.2.2.2', '10.1.1.1'],
  ])('the client is %s', async (_what, told, expected) => {
    expect(await clientOf(theEdge(), claim(told))).toEqual([expected, 'https']);
  });

  test('who is not one of them is replaced, the scheme as well', async () => {
    expect(await clientOf(theEdge(), claim('203.0.113.7'), { host: '::1' })).toEqual(['::1', 'http']);
  });

  test.each(['ftp', 'https, http', 'https\tx', ''])('%j is no scheme', async (scheme) => {
    expect(await clientOf(theEdge(), claim('203.0.113.7', scheme))).toEqual(['203.0.113.7', 'http']);
  });

  test.each<[string, (text: string) => string | Buffer, string]>([
    ['version 1', (text) => `PROXY TCP4 203.0.113.9 10.0.0.1 12345 80\r\n${text}`, '203.0.113.9'],
    ['version 1, IPv6', (text) => `PROXY TCP6 2001:db8::9 2001:db8::1 12345 80\r\n${text}`, '2001:db8::9'],
    ['version 2', (text) => proxyV2('203.0.113.9', text), '203.0.113.9'],
  ])('the PROXY protocol in %s names the client, and no header does', async (_version, bytes, expected) => {
    const edge = theEdge();
    const told = await clientOf(edge, bytes(claim('198.51.100.1')), { port: edge.proxyProtocolPort });
    expect(told).toEqual([expected, 'http']);
  });

  test.each<[string, (text: string) => string | Buffer]>([
    ['UNKNOWN of version 1', (text) => `PROXY UNKNOWN\r\n${text}`],
    ['UNKNOWN of version 1, with addresses', (text) => `PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n${text}`],
    ['LOCAL of version 2', (text) => proxyV2Of('20', text)],
    ['a connection of version 2 of no family', (text) => proxyV2Of('21', text)],
  ])('%s is the balancer itself, whatever a header says', async (_what, bytes) => {
    const edge = theEdge();
    const told = await clientOf(edge, bytes(claim('203.0.113.7')), { port: edge.proxyProtocolPort });
    expect(told).toEqual(['127.0.0.1', 'http']);
  });

  test('the PROXY protocol is spoken at its own port alone', async () => {
    const edge = theEdge();
    expect(await edge.raw(request(), { port: edge.proxyProtocolPort })).toBeUndefined();
    expectProblem(await edge.raw('PROXY TCP4 203.0.113.9 10.0.0.1 1 80\r\n\r\n'), 400, 'bad-request');
    expect(edge.reached()).toEqual([]);
  });
});

describe('requests that no service gets to see', () => {
  const theEdge = withEdge({ edge: {} });
  const tooMuch = 'x'.repeat(20_000);

  test.each<[string, string | Buffer, number, string]>([
    ['TRACE', request({}, 'TRACE /api/products HTTP/1.1'), 405, 'method-not-allowed'],
    ['CONNECT', request({}, 'CONNECT /api/products HTTP/1.1'), 405, 'method-not-allowed'],
    ['a method that nobody knows', request({}, 'FOO /api/products HTTP/1.1'), 405, 'method-not-allowed'],
    ['a method of others', request({}, 'PROPFIND /api/products HTTP/1.1'), 405, 'method-not-allowed'],
    ['a method in small letters', request({}, 'get /api/products HTTP/1.1'), 400, 'bad-request'],
    ['no request', 'nonsense\r\n\r\n', 400, 'bad-request'],
    ['TLS', Buffer.from('16030100a5010000a10303000102030405060708090a0d0a0d0a', 'hex'), 400, 'bad-request'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad-request'],
    ['another version', request({}, 'GET /api/products HTTP/3.0'), 400, 'bad-request'],
    ['no host', 'GET /api/products HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'bad-request'],
    ['a zero byte in a header', request({ 'X-A': 'a\0b' }), 400, 'bad-request'],
    ['a header that is too large', request({ 'X-A': tooMuch }), 431, 'headers-too-large'],
    [
      'too many headers',
      request(Object.fromEntries(Array.from({ length: 999 }, (_, n) => [`X-${n}`, 'x'.repeat(40)]))),
      431,
      'headers-too-large',
    ],
    ['an address that is too long', request({}, `GET /${tooMuch} HTTP/1.1`), 414, 'headers-too-large'],
    [
      'chunks that are none',
      `${request({ 'Transfer-Encoding': 'chunked' }, 'POST /api/users HTTP/1.1')}zz\r\n\r\n`,
      400,
      'bad-request',
    ],
    [
      'another coding of the body',
      request({ 'Transfer-Encoding': 'gzip' }, 'POST /api/users HTTP/1.1'),
      400,
      'bad-request',
    ],
    [
      'a body that is too large',
      request({ 'Content-Length': '200000' }, 'POST /api/users HTTP/1.1'),
      413,
      'payload-too-large',
    ],
  ])('%s: a problem document, and a line in the log', async (_what, bytes, status, code) => {
    const edge = theEdge();
    const before = (await refusals(edge)).length;
    expectProblem(await edge.raw(bytes), status, code);
    expect(edge.reached()).toEqual([]);
    const line = await eventually(async () => {
      const lines = await refusals(edge);
      expect(lines).toHaveLength(before + 1);
      return lines.at(-1);
    });
    expect(line).toMatchObject({ level: 30, service: 'nginx', status, code });
  });

  test('the line names method and path as asked for, and nothing of the query', async () => {
    const edge = theEdge();
    const before = (await refusals(edge)).length;
    await edge.raw(request({}, 'TRACE /api/"products"?token=secret HTTP/1.1'));
    await edge.raw(request({}, 'GET /api/orders/gone HTTP/1.1'));
    await edge.raw(request({}, 'GET /api/orders/refused HTTP/1.1')); // by the service, which has its own line
    await edge.raw(request({}, 'GET /nothing HTTP/1.1'));
    // Each worker writes its lines together, when it has time.
    const byStatus = async () =>
      (await refusals(edge)).slice(before).sort((a, b) => Number(a['status']) - Number(b['status']));
    await eventually(async () =>
      expect(await byStatus()).toMatchObject([
        { method: 'GET', path: '/nothing', status: 404, code: 'not-found' },
        { method: 'TRACE', path: '/api/"products"', status: 405, requestId: expect.stringMatching(/^[\da-f]{32}$/) },
        { method: 'GET', path: '/api/orders/gone', status: 502, code: 'bad-gateway', level: 40 },
      ]),
    );
  });

  test('405 names the methods, 502 says when to come again, and nothing else does', async () => {
    const edge = theEdge();
    const [traced, gone, nothing] = [
      await edge.raw(request({}, 'TRACE / HTTP/1.1')),
      await edge.raw(request({}, 'GET /api/orders/gone HTTP/1.1')),
      await edge.raw(request({}, 'GET /nothing HTTP/1.1')),
    ];
    expect(traced!.headers.get('allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
    expect(gone!.headers.get('retry-after')).toBe('1');
    for (const one of [nothing, gone]) expect(one!.headers.get('allow')).toBeNull();
    for (const one of [nothing, traced]) expect(one!.headers.get('retry-after')).toBeNull();
  });

  test.each(['GET /readyz HTTP/1.0\r\n\r\n', 'GET /api/products HTTP/1.0\r\n\r\n'])(
    'not among them: %j',
    async (bytes) => {
      const edge = theEdge();
      edge.reached();
      expect((await edge.raw(bytes))?.status).toBe(200);
      expect(edge.reached()[0]!.headers.host).toBe('localhost');
    },
  );

  async function refusals({ logFile }: Edge): Promise<Record<string, unknown>[]> {
    const lines = (await readFile(logFile, 'utf8')).split('\n');
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
  }
});

describe('a page of another origin', () => {
  const origin = 'https://shop.example';
  const theEdge = withEdge({ edge: { EDGE_CORS_ORIGINS: `${origin},http://localhost:5173` } });
  const asks = (from: string, method = 'PATCH') =>
    request({ Origin: from, 'Access-Control-Request-Method': method }, 'OPTIONS /api/products HTTP/1.1');
  const list = (answer: EdgeAnswer | undefined, name: string) => (answer!.headers.get(name) ?? '').split(', ');

  test('may ask before, and is told by nginx all that the API has', async () => {
    const edge = theEdge();
    edge.reached();
    const answer = await edge.raw(asks(origin));
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(edge.reached()).toEqual([]);
    expect(answer!.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer!.headers.get('access-control-max-age')).toBe('7200');
    expect(answer!.headers.get('vary')).toBe('Origin');

    const operations = Object.values(openApiDocument().paths as Record<string, Record<string, Documented>>).flatMap(
      (path) => Object.entries(path),
    );
    const methods = operations.map(([method]) => method.toUpperCase());
    expect(list(answer, 'access-control-allow-methods')).toEqual(expect.arrayContaining(methods));
    const sent = operations.flatMap(([, { parameters = [] }]) => parameters.filter((one) => one.in === 'header'));
    const names = [...sent.map(({ name }) => name), 'Authorization', 'Content-Type'];
    expect(sent.length).toBeGreaterThan(2);
    expect(list(answer, 'access-control-allow-headers')).toEqual(expect.arrayContaining(names));
  });

  test('may read what comes back, the problems of nginx among it', async () => {
    const edge = theEdge();
    const answers = [
      ['GET /api/products HTTP/1.1', 200],
      ['GET /api/orders/refused HTTP/1.1', 409],
      ['GET /api/orders/gone HTTP/1.1', 502],
      ['GET /nothing HTTP/1.1', 404],
      [`GET /api/products?${'x'.repeat(9_000)} HTTP/1.1`, 414],
      ['FOO /api/products HTTP/1.1', 405],
    ] as const;
    for (const [line, status] of answers) {
      const answer = await edge.raw(request({ Origin: origin }, line));
      // The headers come after a line that is too long: nginx has not read them.
      const readsOrigin = status !== 414;
      expect([line, answer!.status]).toEqual([line, status]);
      expect([line, answer!.headers.get('access-control-allow-origin')]).toEqual([line, readsOrigin ? origin : null]);
      expect(answer!.headers.get('vary')).toBe('Origin');
      if (!readsOrigin) continue;
      expect(list(answer, 'access-control-expose-headers')).toEqual(
        expect.arrayContaining(['ETag', 'Location', 'Retry-After', 'Preference-Applied']),
      );
      expect(answer!.headers.get('access-control-allow-credentials')).toBeNull();
      expect(answer!.headers.get('access-control-allow-methods')).toBeNull();
    }
  });

  test.each([
    'https://shop.example.evil.test',
    'https://evil.test',
    'http://shop.example',
    'https://shop.example:8443',
    'null',
    'shop.example',
  ])('is told nothing if it is %s', async (from) => {
    const edge = theEdge();
    for (const bytes of [asks(from), request({ Origin: from }), request({ Origin: from }, 'GET /nothing HTTP/1.1')]) {
      const { headers } = (await edge.raw(bytes))!;
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(headers.get('vary')).toBe('Origin');
    }
  });

  test('is refused as anybody, when what it asks before is too large', async () => {
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'GET', Cookie: 'x'.repeat(20_000) };
    const answer = await theEdge().raw(request(headers, 'OPTIONS /api/products HTTP/1.1'));
    expectProblem(answer, 431, 'headers-too-large');
  });

  test('OPTIONS that asks for nothing goes to the service', async () => {
    const edge = theEdge();
    edge.reached();
    await edge.raw(request({ Origin: origin }, 'OPTIONS /api/products HTTP/1.1'));
    expect(edge.reached()).toMatchObject([{ method: 'OPTIONS' }]);
  });
});

interface Documented {
  parameters?: { in: string; name: string }[];
}

test('without CORS there is no trace of it', async () => {
  const edge = await startEdge({ edge: {} });
  try {
    const { headers } = (await edge.raw(request({ Origin: 'https://shop.example' })))!;
    expect([...headers.keys()].filter((name) => /^access-control|^vary$/.test(name))).toEqual([]);
  } finally {
    await edge.close();
  }
});

describe('settings', () => {
  test('may say a thing twice, in any letters, and with blanks or nothing between commas', async () => {
    const edge = await startEdge({
      edge: {
        EDGE_CORS_ORIGINS: 'https://Shop.example,https://shop.example,, https://SHOP.example:443 ,http://[::1]:80,',
        EDGE_TRUSTED_PROXIES:
          '127.0.0.1,127.0.0.1/32 127.0.0.1,10.1.2.3/8,10.0.0.0/8,\t2001:DB8::/32,2001:db8::/32,2001:db8::1/32,::,1::,::1:2:3:4:5:6:7,1:2:3:4:5:6:7:8,0.0.0.0/0',
      },
    });
    try {
      expect(await clientOf(edge, claim('203.0.113.7, 127.0.0.1'))).toEqual(['203.0.113.7', 'https']);
      for (const origin of ['https://shop.example', 'http://[::1]']) {
        const { headers } = (await edge.raw(request({ Origin: origin })))!;
        expect(headers.get('access-control-allow-origin')).toBe(origin);
      }
    } finally {
      await edge.close();
    }
  });

  test.each([
    { EDGE_TRUSTED_PROXIES: '10.0.0.0/8;' },
    { EDGE_TRUSTED_PROXIES: '10.0.0.0/33' },
    { EDGE_TRUSTED_PROXIES: '10.0.0' },
    { EDGE_TRUSTED_PROXIES: 'proxy.example' },
    { EDGE_TRUSTED_PROXIES: ':::' },
    { EDGE_TRUSTED_PROXIES: '1:2' },
    { EDGE_TRUSTED_PROXIES: '12345::1' },
    { EDGE_TRUSTED_PROXIES: '1::2::3' },
    { EDGE_TRUSTED_PROXIES: '1:2:3:4:5:6:7:8:9' },
    { EDGE_TRUSTED_PROXIES: '1:2:3:4::5:6:7:8' },
    { EDGE_TRUSTED_PROXIES: '2001:db8::/129' },
    { EDGE_TRUSTED_PROXIES: 'fe80::1%eth0' },
    { EDGE_TRUSTED_PROXIES: '::ffff:10.0.0.1' }, // nginx knows a client of IPv4 by no such address
    { EDGE_TRUSTED_PROXIES: '[::1]' },
    { EDGE_CORS_ORIGINS: '*' },
    { EDGE_CORS_ORIGINS: 'https://shop.example/' },
    { EDGE_CORS_ORIGINS: 'https://"; }' },
    { EDGE_CORS_ORIGINS: 'https://shop.example:99999' },
    { EDGE_CORS_ORIGINS: 'https://shop.example:0443' },
    { EDGE_CORS_ORIGINS: 'https://[:::]' },
    { EDGE_CORS_ORIGINS: `https://${'x'.repeat(600)}` },
    { EDGE_PROXY_PROTOCOL_PORT: '0' },
    { EDGE_PROXY_PROTOCOL_PORT: '65536' },
    { EDGE_PROXY_PROTOCOL_PORT: '8082 8083' },
  ])('%j is refused in one sentence', async (edge) => {
    const [name] = Object.keys(edge) as [string];
    await expect(startEdge({ edge })).rejects.toThrow(new RegExp(`^${name}: ".*" is not (an?|one) [a-zA-Z ,:/.]+$`));
  });

  test.each(['publicPort', 'internalPort'] as const)('the PROXY protocol cannot be spoken at the %s', async (port) => {
    const starting = startEdge({ edge: (taken) => ({ EDGE_PROXY_PROTOCOL_PORT: String(taken[port]) }) });
    await expect(starting).rejects.toThrow(/^EDGE_PROXY_PROTOCOL_PORT: "\d+" is not a further port, for [a-z ]+$/);
  });
});
