import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Response } from 'express';
import { AppError, errorTable, type ErrorCode } from '@flash-sale/contract/errors.ts';
import type { Logger } from '../log.ts';
import type { OnRequest } from './app.ts';
import { problemOf, sendProblem } from './problem.ts';

/** Node's reasons that have a status of their own; any other is a request that cannot be read. */
const reasons: Record<string, [ErrorCode, string]> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'The headers of the request are too large. Nothing was changed.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['payload-too-large', 'The body carries too much beside itself. Nothing was changed.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request-timeout', 'The request did not arrive in time. Nothing was changed.'],
};

/**
 * What Node refuses before it is a request for the application, such as control characters in a header, is answered as the
 * application would: by a problem document, with a line in the log, and counted under the route `other` with the method
 * `unknown`. By itself Node answers without a body, and tells nobody. A client that has gone is no refusal.
 */
export function answerUnreadable(server: Server, { log, onRequest }: { log: Logger; onRequest: OnRequest }): void {
  const lastOf = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', ({ socket }, response) => void lastOf.set(socket, response));
  // What else is expected than `100-continue` may be ignored.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('clientError', (thrown: NodeJS.ErrnoException, socket) => {
    if (thrown.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const [code, detail] = reasons[thrown.code ?? ''] ?? [
      'bad-request',
      'The request cannot be read. Nothing was changed.',
    ];
    const error = new AppError(code, detail);
    const response = lastOf.get(socket);
    const isUnderWay = response !== undefined && !response.writableEnded;
    if (isUnderWay && !response.headersSent && !response.req.complete) return refuse(response as Response, error);
    const { status } = errorTable[code];
    onRequest('other', 'unknown', status, 0);
    log.info({ status, code, reason: thrown.code });
    // The one before it still gets its answer; more cannot be read from here.
    if (isUnderWay) response.once('close', () => socket.destroy());
    else socket.end(bytesOf(error), () => socket.destroy());
  });
}

/** Its body cannot be read: the application answers, which then counts and logs it. */
function refuse(response: Response, error: AppError): void {
  response.locals['error'] = error;
  response.set('Connection', 'close');
  sendProblem(response, error);
}

function bytesOf(error: AppError): string {
  const body = JSON.stringify(problemOf(error));
  return [
    `HTTP/1.1 ${errorTable[error.code].status} ${errorTable[error.code].title}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
