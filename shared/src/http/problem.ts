import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Problem } from '@flash-sale/contract/api/schemas.ts';
import { AppError, errorTable } from '@flash-sale/contract/errors.ts';
import { running } from '../tracing/running.ts';

/** RFC 9457 document of an error. */
export function problemOf(error: AppError): Problem {
  const { status, title } = errorTable[error.code];
  const root = running.getStore();
  return {
    type: `/problems/${error.code}`,
    title,
    status,
    detail: error.message,
    ...(error.errors ? { errors: error.errors } : {}),
    ...(root ? { traceId: root.traceId } : {}),
  };
}

export function sendProblem(response: Response, error: AppError): void {
  if (error.retryAfterSeconds !== undefined) response.set('Retry-After', String(error.retryAfterSeconds));
  if (error.code === 'unauthenticated') response.set('WWW-Authenticate', 'Bearer');
  response
    .status(errorTable[error.code].status)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(error)));
}

export const notFound: RequestHandler = () => {
  throw new AppError('not-found', 'There is nothing at this address.');
};

/** Turns whatever a handler threw into a problem document; what nobody expected becomes 500 and is logged in full. */
export const problemHandler: ErrorRequestHandler = (thrown: unknown, request, response, _next) => {
  const error = asAppError(thrown);
  response.locals['error'] = error;
  if (response.headersSent) {
    request.socket.destroy();
    return;
  }
  sendProblem(response, error);
};

/** Express and its body parser throw http-errors with a `type` and a `status`. */
function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const { type, status } = (thrown ?? {}) as { type?: unknown; status?: unknown };
  switch (type) {
    case 'entity.parse.failed':
      return new AppError('malformed-json', 'The body is not valid JSON. Nothing was changed.');
    case 'entity.too.large':
      return new AppError('payload-too-large', 'The body may have at most 100 KB. Nothing was changed.');
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new AppError('unsupported-media-type', 'Send the body as uncompressed application/json in UTF-8.');
    default:
      if (typeof status === 'number' && status >= 400 && status < 500) {
        return new AppError('bad-request', 'The request cannot be read. Nothing was changed.');
      }
      return new AppError('internal', 'Something went wrong on our side; it has been logged.', { cause: thrown });
  }
}
