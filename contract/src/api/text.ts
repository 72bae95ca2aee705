import { z } from 'zod';

/**
 * Text that clients send, in a form that any tool can read out of the document: lengths are counted in code points, as
 * JSON Schema does, and patterns are written without what only some engines know (`\p{…}`, look-ahead, `\u….`).
 */

interface Length {
  min: number;
  max: number;
}

const codePoints = (text: string): number => Array.from(text).length;

/** A string of so many code points. Half a character (a lone surrogate) cannot be stored as it is, a zero byte not at all. */
export const text = ({ min, max }: Length) =>
  z
    .string()
    .refine((value) => value.isWellFormed(), 'must be well-formed text: there is half a character in it')
    .refine((value) => !value.includes('\0'), 'must not hold a zero byte')
    .refine((value) => codePoints(value) >= min, `must have at least ${min} characters`)
    .refine((value) => codePoints(value) <= max, `must have at most ${max} characters`)
    .meta({ minLength: min, maxLength: max, pattern: '^[^\\x00]*$' });

const control = '\\x00-\\x1f\\x7f-\\x9f';
const hasControl = new RegExp(`[${control}]`);
/** The white space that `trim()` takes away, literally, since engines differ in what `\s` is. */
const space = ' \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
/** For the document only: as a test it would take seconds for a long text of spaces. */
const oneLine = `^[^${control}]*[^${control}${space}][^${control}]*$`;

/** One line for people to read: no control characters, and more than white space, which is taken away at its ends. */
export const label = (max: number) =>
  text({ min: 1, max })
    .refine((value) => !hasControl.test(value), 'no control characters')
    .refine((value) => value.trim() !== '', 'must have more than white space')
    .meta({ minLength: 1, maxLength: max, pattern: oneLine })
    .transform((value) => value.trim());

/** What zod's own pattern of an address allows, without look-ahead. */
const emailPattern =
  /^(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/;
const maxEmailLength = 254;

export const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(maxEmailLength)
  .regex(emailPattern, 'Invalid email address')
  .meta({ description: 'compared without regard to case' });

/** Visible ASCII, such as a key in a header. */
export const visibleAscii = (max: number) => z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${max}}$`));

const latest = Date.parse('9999-12-31T23:59:59.999Z');
const earliest = Date.parse('0001-01-01T00:00:00Z');

/** A moment, with any offset, that can be answered in UTC with four digits of the year. */
export const moment = z.iso
  .datetime({ offset: true })
  .refine(
    (value) => Date.parse(value) >= earliest && Date.parse(value) <= latest,
    'must be in the years 1 to 9999, in UTC',
  );
