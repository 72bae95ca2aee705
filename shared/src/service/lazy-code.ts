import { duplexPair, Readable, type Duplex } from 'node:stream';
import express, { type Request, type Response } from 'express';
import { Client } from 'undici';

/**
 * Has libraries load what they load with their first use only: by then a process that was started by root may not be
 * allowed to read it any more. Nothing leaves the process.
 */
export async function loadLazyCode(): Promise<void> {
  await Promise.all([parseBody(), askOverHttp()]);
}

/** The parser of bodies loads its character sets with the first body. */
async function parseBody(): Promise<void> {
  const headers = { 'content-type': 'application/json', 'content-length': '2' };
  const request = Object.assign(Readable.from([Buffer.from('{}')]), { headers });
  await new Promise<void>((resolve, reject) => {
    const done = (error?: unknown) => (error instanceof Error ? reject(error) : resolve());
    express.json()(request as unknown as Request, {} as Response, done);
  });
}

/** The client for HTTP loads its parser with the first connection, which here is one to ourselves. */
async function askOverHttp(): Promise<void> {
  const [ours, theirs] = duplexPair();
  theirs.once('data', () => theirs.write('HTTP/1.1 204 No Content\r\n\r\n'));
  const client = new Client('http://nobody', {
    connect: (_options: unknown, onConnect: (error: null, socket: Duplex) => void) =>
      void setImmediate(onConnect, null, ours),
  } as unknown as Client.Options);
  try {
    await (await client.request({ method: 'GET', path: '/' })).body.dump();
  } finally {
    await client.destroy();
  }
}
