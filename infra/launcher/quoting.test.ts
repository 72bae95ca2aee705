import { describe, expect, test } from '@jest/globals';
import { erlangBinary, influxqlString, nginxString, redisQuoted, tomlString } from './quoting.ts';

const hard = `a b'c"d$e#f;g{h}i%j\\k`;

describe('quoting', () => {
  test.each([
    [hard, `"a b'c\\x22d$e#f;g{h}i%j\\x5ck"`],
    ['é\n\0', '"\\xc3\\xa9\\x0a\\x00"'],
    ['', '""'],
  ])('for Redis: %j', (value, expected) => expect(redisQuoted(value)).toBe(expected));

  test.each([
    ['a"b', '<<97,34,98>>'],
    ['é', '<<195,169>>'],
    ['', '<<>>'],
  ])('for Erlang: %j', (value, expected) => expect(erlangBinary(value)).toBe(expected));

  test.each([
    [hard, `"a b'c\\"d$e#f;g{h}i%j\\\\k"`],
    ['é\n\x00\x7f', '"é\\n\\u0000\\u007f"'],
  ])('for TOML: %j', (value, expected) => expect(tomlString(value)).toBe(expected));

  test.each([[`a'b\\c"\n`, `'a\\'b\\\\c"\\n'`]])('for InfluxQL: %j', (value, expected) =>
    expect(influxqlString(value)).toBe(expected),
  );

  test.each([[`a b'c"d#e;f{g}h%i\\jé`, `"a b'c\\"d#e;f{g}h%i\\\\jé"`]])('for nginx: %j', (value, expected) =>
    expect(nginxString(value)).toBe(expected),
  );

  test.each(['$a', 'a\nb', '\0', '\x7f'])('nginx cannot be given %j', (value) =>
    expect(() => nginxString(value)).toThrow(),
  );
});
