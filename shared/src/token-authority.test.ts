import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InternalClient } from './messaging/http-client.ts';
import { authorityAt } from './token-authority.ts';

const token = 'the token of the services';
let server: Server;
let client: InternalClient;
let asked: [url: string | undefined, authorization: string | undefined][] = [];
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push([request.url, request.headers.authorization]);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await client.close();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(async () => {
  await client?.close();
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new InternalClient({ baseUrl, token, timeoutMs: 500 });
  asked = [];
});

const json = (body: unknown) => (response: ServerResponse) =>
  void response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
const nothing = { sessions: [], accounts: [], cursor: 'a b', more: false };

test('asks the user service, with the token of the services, from where it left off', async () => {
  answer = json(nothing);
  const { ended } = authorityAt(client);
  expect(await ended(undefined)).toEqual(nothing);
  expect(await ended('a b')).toEqual(nothing);
  expect(asked).toEqual([
    ['/internal/user/sessions/ended', `Bearer ${token}`],
    ['/internal/user/sessions/ended?after=a%20b', `Bearer ${token}`],
  ]);
});

test.each<[string, (response: ServerResponse) => void]>([
  ['is away', (response) => void response.writeHead(502).end()],
  ['is too slow', () => {}],
  ['answers something else', json({ sessions: 'none' })],
])('a user service that %s is said to be', async (_, answers) => {
  answer = answers;
  await expect(authorityAt(client).ended(undefined)).rejects.toThrow();
  server.closeAllConnections();
});

test('when it fails to tell the keys, it still tells who has ended', async () => {
  const { ended, keys } = authorityAt(client);
  answer = (response) => void response.writeHead(500).end();
  for (let n = 0; n < 10; n += 1) await expect(keys()).rejects.toThrow();
  answer = json(nothing);
  expect(await ended(undefined)).toEqual(nothing);
});
