import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, type FieldError } from '@flash-sale/contract/errors.ts';

/** Escapes of surrogates and of U+0000. Written out, the former are no UTF-8 and the latter no JSON. */
const suspiciousEscape = /\\u(?:d[89a-f]|0000)/i;
const backslash = 0x5c;
const maxErrors = 20;

/**
 * Refuses what PostgreSQL would store as something else, or not at all: a body that is not UTF-8, and strings in it with
 * half a character or a zero byte. For the body parser's `verify`, so that it holds for every route.
 * @throws AppError unsupported-media-type, malformed-json, invalid-input
 */
export function verifyText(_request: IncomingMessage, _response: ServerResponse, body: Buffer, encoding: string): void {
  if (encoding !== 'utf-8' && !/^utf-?8$/i.test(encoding)) {
    throw new AppError('unsupported-media-type', 'Send the body in UTF-8. Nothing was changed.');
  }
  if (!isUtf8(body)) throw new AppError('malformed-json', 'The body is not valid UTF-8. Nothing was changed.');
  if (!body.includes(backslash) || !suspiciousEscape.test(body.toString('latin1'))) return;
  const errors = textErrors(body);
  if (errors.length > 0) {
    throw new AppError('invalid-input', 'The input does not fit; see errors. Nothing was changed.', { errors });
  }
}

function textErrors(body: Buffer): FieldError[] {
  const errors: FieldError[] = [];
  let open: { path: string; value: unknown }[];
  try {
    open = [{ path: '', value: JSON.parse(body.toString()) as unknown }];
  } catch {
    return []; // for the parser to say
  }
  // Not by recursion: a body may be nested more deeply than the stack is.
  for (let at; errors.length < maxErrors && (at = open.pop());) {
    const { path, value } = at;
    if (typeof value === 'string') {
      const message = complaintAbout(value);
      if (message) errors.push({ path, message });
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        const message = complaintAbout(key);
        if (message) errors.push({ path, message: `a name in it ${message}` });
        open.push({ path: path === '' ? key : `${path}.${key}`, value: inner });
      }
    }
  }
  return errors;
}

function complaintAbout(text: string): string | undefined {
  if (!text.isWellFormed()) return 'holds half a character (a surrogate without the other)';
  return text.includes('\0') ? 'holds a zero byte (U+0000)' : undefined;
}
