import { describe, expect, test } from '@jest/globals';
import type { Request } from 'express';
import { z } from 'zod';
import type { AppError } from '@flash-sale/contract/errors.ts';
import { newId } from '../ids.ts';
import { idempotencyKeyOf, idOf, parse, preferredWaitMs } from './validate.ts';

const asking = (headers: Record<string, string>, params: Record<string, string> = {}) =>
  ({ get: (name: string) => headers[name.toLowerCase()], headers, params }) as unknown as Request;
const failing = (code: string) => expect.objectContaining({ name: 'AppError', code });

const problemsOf = (schema: z.ZodType, input: unknown) => {
  try {
    parse(schema, input);
  } catch (error) {
    expect(error).toMatchObject({ name: 'AppError', code: 'invalid-input' });
    return (error as AppError).errors!;
  }
  throw new Error('nothing was thrown');
};

describe('parse', () => {
  const schema = z.strictObject({ name: z.string(), size: z.object({ width: z.number() }) });

  test('answers what the schema makes of the input', () => {
    expect(parse(z.object({ n: z.coerce.number() }), { n: '7' })).toEqual({ n: 7 });
  });

  test('names each problem by its path', () => {
    const paths = problemsOf(schema, { size: { width: 'wide' }, colour: 1 }).map(({ path }) => path);
    expect(paths.sort()).toEqual(['', 'name', 'size.width']);
  });

  test.each<[z.ZodType, unknown, string]>([
    [z.number().int(), 1.5, 'must be a whole number'],
    [z.number(), 'one', 'must be a number'],
    [z.number().int().min(1), 0, 'must be at least 1'],
    [z.number().max(99), 100, 'must be at most 99'],
    [z.number().lt(5), 5, 'must be less than 5'],
    [z.string(), 7, 'must be a text'],
    [z.string().max(3), 'four', 'must have at most 3 characters'],
    [z.array(z.string()).min(1), [], 'must have at least 1 entries'],
    [z.boolean(), 'yes', 'must be true or false'],
    [z.strictObject({}), [], 'must be an object'],
    [z.enum(['USD', 'EUR']), 'usd', 'must be one of USD, EUR'],
    [z.literal(1), 2, 'must be 1'],
    [z.string('its own words'), 7, 'its own words'],
    [z.enum(['USD', 'EUR']), undefined, 'is missing'],
    [z.number(), undefined, 'is missing'],
  ])('says what each must be, in words for whoever sent it (case %#)', (schema, input, message) => {
    expect(problemsOf(z.strictObject({ it: schema }), { it: input })).toEqual([{ path: 'it', message }]);
  });

  test('names twenty problems at most', () => {
    expect(problemsOf(z.array(z.number()), Array(100).fill('x'))).toHaveLength(20);
  });
});

describe('preferredWaitMs', () => {
  test.each([
    ['wait=5', 5_000],
    ['wait=0', 0],
    ['wait=30', 30_000],
    ['wait=31', 30_000],
    ['wait=999999', 30_000],
    ['WAIT=5', 5_000],
    ['wait = 5', 5_000],
    ['wait="5"', 5_000],
    ['respond-async, wait=10', 10_000],
    ['respond-async,wait=10,handling=lenient', 10_000],
    ['wait=10; strict', 10_000],
    ['return=minimal; wait=2', 2_000],
    ['wait=0', 0],
    ['wait=10000000', 30_000],
  ])('%s is %i ms', (prefer, ms) => {
    expect(preferredWaitMs(asking({ prefer }))).toBe(ms);
  });

  test.each(['', 'respond-async', 'wait', 'wait=', 'wait=soon', 'wait=-5', 'wait=1.5', 'await=5', 'wait=5x'])(
    '"%s" is no preference',
    (prefer) => {
      expect(preferredWaitMs(asking({ prefer }))).toBeUndefined();
    },
  );

  test('without the header there is none', () => {
    expect(preferredWaitMs(asking({}))).toBeUndefined();
  });

  test('a long header costs no time', () => {
    // So long that whatever looks at each part of it more than once takes minutes.
    const prefer = `${'wait= '.repeat(200_000)}${' '.repeat(200_000)}x`;
    const startedAt = performance.now();
    preferredWaitMs(asking({ prefer }));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('idempotencyKeyOf', () => {
  const of = (key: string) => idempotencyKeyOf(asking({ 'idempotency-key': key }));

  test.each(['a', newId(), '"quoted"', '~'.repeat(255)])('takes %s', (key) => {
    expect(of(key)).toBe(key);
  });

  test('asks for one where there is none', () => {
    expect(() => idempotencyKeyOf(asking({}))).toThrow(failing('idempotency-key-required'));
    expect(() => of('')).toThrow(failing('idempotency-key-required'));
  });

  test.each(['x'.repeat(256), 'two words', 'schlüssel', 'tab\tkey', 'nul\0'])('refuses %j', (key) => {
    expect(() => of(key)).toThrow(failing('invalid-input'));
  });
});

describe('idOf', () => {
  test('answers an id in small letters', () => {
    const id = newId();
    expect(idOf(asking({}, { id: id.toUpperCase() }), 'product')).toBe(id);
    expect(idOf(asking({}, { productId: id }), 'product', 'productId')).toBe(id);
  });

  test.each(['', '1', `${newId()} `, newId().replaceAll('-', ''), `{${newId()}}`, '__proto__'])(
    'says of %j that there is no such thing',
    (id) => {
      expect(() => idOf(asking({}, { id }), 'product')).toThrow('There is no such product.');
    },
  );

  test('says the same where there is no id at all', () => {
    expect(() => idOf(asking({}), 'product')).toThrow(failing('not-found'));
  });
});
