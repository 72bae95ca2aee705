import { connect } from 'node:net';
import type { Problem } from '@flash-sale/contract/api/schemas.ts';
import type { Answer } from '../http.ts';

const maxMs = 60_000;

/** Sends raw bytes, for requests that no client would send, and reads one answer until the server closes. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<Answer<Problem>> {
  const { hostname, port } = new URL(url);
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const chunks: Buffer[] = [];
    const timeUp = setTimeout(() => socket.destroy(new Error(`no answer within ${maxMs} ms`)), maxMs);
    const done = () => {
      clearTimeout(timeUp);
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', done);
    // The server may answer and close before it has read everything.
    socket.on('error', (error) => (chunks.length > 0 ? done() : reject(error)));
    socket.write(bytes);
  });
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...fields] = head.split('\r\n');
  const headers = new Headers(fields.map((field) => field.split(/:\s*(.*)/s).slice(0, 2) as [string, string]));
  const body = rest.join('\r\n\r\n');
  const payload = headers.get('transfer-encoding') === 'chunked' ? unchunked(body) : body;
  const isJson = /\bjson\b/.test(headers.get('content-type') ?? '');
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: (isJson ? JSON.parse(payload) : undefined) as Problem,
    text: payload,
  };
}

/** A raw request with the given parts replaced. */
export function rawRequest(options: {
  method?: string;
  path?: string;
  version?: string;
  headers?: Record<string, string>;
  body?: string;
}): string {
  const { method = 'GET', path = '/api/products', version = 'HTTP/1.1', headers = {}, body = '' } = options;
  const length = body && !('Content-Length' in headers) ? { 'Content-Length': String(Buffer.byteLength(body)) } : {};
  const all = { Host: 'shop.example', Connection: 'close', ...length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} ${version}\r\n${lines.join('')}\r\n${body}`;
}

function unchunked(body: string): string {
  const bytes = Buffer.from(body);
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at);
    const size = parseInt(bytes.toString('latin1', at, end), 16);
    if (!size) break;
    text += bytes.toString('utf8', end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
  return text;
}
