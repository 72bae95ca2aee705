import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { email, label, moment, text, visibleAscii } from './text.ts';

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success;
/** The schema as a stranger's tool reads it. */
const documented = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: 'input' }) as { pattern: string; minLength?: number; maxLength: number };

describe('text', () => {
  test.each([
    ['too short', 'abc', false],
    ['as short as may be', 'abcd', true],
    ['as long as may be', 'a'.repeat(8), true],
    ['too long', 'a'.repeat(9), false],
    ['of characters outside of the first plane, each counted once', '👍'.repeat(8), true],
    ['too many of those', '👍'.repeat(9), false],
    ['too few of those, though long enough in UTF-16', '👍👍', false],
    ['with half a character', 'half \ud83d', false],
    ['with the other half', '\udc4d half', false],
  ])('%s', (_what, value, fits) => {
    expect(accepts(text({ min: 4, max: 8 }), value)).toBe(fits);
  });
});

describe('a label', () => {
  test.each(['', ' ', '\u2003\u2028', 'two\nlines', 'tab\t', 'zero\0byte', '\u0085', 'x'.repeat(21), '\ud83d'])(
    'cannot be %j',
    (value) => {
      expect(accepts(label(20), value)).toBe(false);
    },
  );

  test('loses the white space at its ends', () => {
    expect(label(20).parse(' \u00a0Lämpchen 💡 ')).toBe('Lämpchen 💡');
  });

  test('is accepted exactly if the document says so', () => {
    const { pattern, minLength = 0, maxLength } = documented(label(20));
    const says = new RegExp(pattern, 'u');
    const odd = fc.constantFrom(' ', '\u00a0', '\u2028', '\t', '\u0085', '\ufeff', 'x', '💡');
    const anything = fc
      .array(fc.oneof(odd, fc.string({ unit: 'binary' })), { maxLength: 25 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(anything, (value) => {
        const length = Array.from(value).length;
        expect(accepts(label(20), value)).toBe(says.test(value) && length >= minLength && length <= maxLength);
      }),
    );
  });

  test('of a hundred thousand spaces is refused in no time', () => {
    const startedAt = performance.now();
    expect(accepts(label(20), ' '.repeat(100_000))).toBe(false);
    // With the document's pattern it would be minutes.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('an email address', () => {
  const before = z.string().trim().toLowerCase().max(254).pipe(z.email());

  test('is accepted exactly as before the pattern was our own', () => {
    const unit = fc.constantFrom('a', 'Z', '7', '.', '..', '-', '+', "'", '_', '@', ' ', 'ü', 'co', 'example.com');
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), (parts) => {
        const value = parts.join('');
        expect(accepts(email, value)).toBe(accepts(before, value));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([`${'0'.repeat(256)}`, `${'0'.repeat(250)}@a.co`])(
    'that is too long or none is refused by the document, too',
    (value) => {
      const { pattern, maxLength } = documented(email);
      expect(accepts(email, value)).toBe(false);
      expect(new RegExp(pattern).test(value) && value.length <= maxLength).toBe(false);
    },
  );
});

describe('a moment', () => {
  test.each([
    ['2030-01-01T10:00:00Z', true],
    ['2030-01-01T10:00:00+02:00', true],
    ['9999-12-31T23:59:59Z', true],
    ['9999-12-31T23:59:59-12:00', false],
    ['0001-01-01T00:00:00Z', true],
    ['0001-01-01T00:00:00+12:00', false],
    ['0000-06-01T00:00:00Z', false],
    ['2030-02-30T10:00:00Z', false],
  ])('%s', (value, fits) => {
    expect(accepts(moment, value)).toBe(fits);
    if (fits) expect(accepts(z.iso.datetime(), new Date(value).toISOString())).toBe(true);
  });
});

test.each([
  ['k', true],
  ['k'.repeat(255), true],
  ['k'.repeat(256), false],
  ['', false],
  ['a b', false],
  ['ü', false],
])('visible ASCII: %j', (value, fits) => {
  expect(accepts(visibleAscii(255), value)).toBe(fits);
});
