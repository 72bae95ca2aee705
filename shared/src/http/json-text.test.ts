import { describe, expect, test } from '@jest/globals';
import type { AppError } from '@flash-sale/contract/errors.ts';
import { verifyText } from './json-text.ts';

const verify = (body: string | Buffer, encoding = 'utf-8') => {
  try {
    verifyText(undefined as never, undefined as never, Buffer.from(body), encoding);
    return undefined;
  } catch (error) {
    const { code, errors } = error as AppError;
    return { code, errors };
  }
};
const half = 'holds half a character (a surrogate without the other)';

describe('the text of a body', () => {
  test.each([
    ['plain text', '{"name":"lamp"}'],
    ['any character as it is', '{"name":"çà \u{1F4A1} ✓"}'],
    ['a whole character as two escapes', String.raw`{"name":"\ud83d\udca1 \uD83D\uDCA1"}`],
    ['other escapes', String.raw`{"name":"\u00e9\n\u0001\""}`],
    ['what only looks like an escape', String.raw`{"name":"\\ud83d \\u0000"}`],
    ['what is no JSON: for the parser to say', String.raw`{"name":"\ud83d`],
    ['nothing', ''],
  ])('may be %s', (_, body) => expect(verify(body)).toBeUndefined());

  test.each([
    ['the first half of a character', String.raw`{"name":"half \ud83d"}`, 'name', half],
    ['the second half', String.raw`{"name":"\uDca1 half"}`, 'name', half],
    ['two halves the wrong way round', String.raw`{"name":"\udca1\ud83d"}`, 'name', half],
    ['a half behind a backslash', String.raw`{"name":"\\\ud83d"}`, 'name', half],
    ['half a character far inside', String.raw`{"a":[{"b":["x","\ud83d"]}]}`, 'a.0.b.1', half],
    ['half a character as a name', String.raw`{"a":{"\ud83d":1}}`, 'a', `a name in it ${half}`],
    ['a zero byte', String.raw`{"name":"\u0000"}`, 'name', 'holds a zero byte (U+0000)'],
    ['half a character alone', String.raw`"\ud83d"`, '', half],
  ])('may not hold %s', (_, body, path, message) =>
    expect(verify(body)).toEqual({ code: 'invalid-input', errors: [{ path, message }] }),
  );

  test('must be UTF-8', () => {
    expect(verify(Buffer.from([0x22, 0xff, 0x22]))?.code).toBe('malformed-json');
    // A surrogate as UTF-8 would write it, which is none.
    expect(verify(Buffer.from([0x22, 0xed, 0xa0, 0xbd, 0x22]))?.code).toBe('malformed-json');
    expect(verify(Buffer.from('"\ud83d"', 'utf16le'), 'utf-16le')?.code).toBe('unsupported-media-type');
  });

  test('may be nested more deeply than a stack is', () => {
    const deep = `${'['.repeat(50_000)}"\\ud83d"${']'.repeat(50_000)}`;
    expect(verify(deep)?.code).toBe('invalid-input');
  });
});
