import type { Request } from 'express';
import type { z } from 'zod';
import { AppError } from '@flash-sale/contract/errors.ts';
import { inWords } from '../in-words.ts';

const words = { error: inWords };

/** Parses input by its schema. @throws AppError invalid-input with one entry a problem */
export function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input, words);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues
    .slice(0, 20)
    .map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  throw new AppError('invalid-input', 'The input does not fit; see errors. Nothing was changed.', { errors });
}

/** Parses a JSON body. A body sent as another media type is refused rather than taken for an empty one. */
export function bodyOf<T extends z.ZodType>(request: Request, schema: T): z.output<T> {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (hasBody && !request.is('application/json')) {
    throw new AppError('unsupported-media-type', 'Send the body as application/json. Nothing was changed.');
  }
  return parse(schema, request.body ?? {});
}

/** An id in the path that is no UUID names nothing: 404, as for any id that is not there. */
export function idOf(request: Request, what: string, name = 'id'): string {
  const id = request.params[name];
  if (typeof id !== 'string' || !uuidPattern.test(id)) throw notFound(what);
  return id.toLowerCase();
}

export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const notFound = (what: string): AppError => new AppError('not-found', `There is no such ${what}.`);

const keyPattern = /^[\x21-\x7e]{1,255}$/;

/** The Idempotency-Key header. @throws AppError idempotency-key-required, invalid-input */
export function idempotencyKeyOf(request: Request): string {
  const key = request.get('idempotency-key');
  if (!key) {
    throw new AppError(
      'idempotency-key-required',
      'Send an Idempotency-Key header, new for each purchase. Nothing was changed.',
    );
  }
  if (!keyPattern.test(key)) {
    throw new AppError(
      'invalid-input',
      'The Idempotency-Key must be 1 to 255 visible ASCII characters. Nothing was changed.',
      {
        errors: [{ path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' }],
      },
    );
  }
  return key;
}

const maxWaitSeconds = 30;

/** Milliseconds that a client is ready to wait: `Prefer: wait=N` (RFC 7240), capped at 30 s; undefined without it. */
export function preferredWaitMs(request: Request): number | undefined {
  const header = request.get('prefer');
  const seconds = header && /(?:^|[,;])\s*wait\s*=\s*"?(\d+)"?\s*(?:$|[,;])/i.exec(header)?.[1];
  return seconds ? Math.min(Number(seconds), maxWaitSeconds) * 1000 : undefined;
}
