import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { databaseSchema, readEnvironment, underNewNames, UnusableConfiguration } from './config.ts';

describe('a renamed setting', () => {
  const read = (env: Record<string, string>) => {
    const warnings: string[] = [];
    const result = underNewNames(env, (line) => warnings.push(line), { HOLD_MS: 'HOLD_TTL_MS', OLDER: 'HOLD_TTL_MS' });
    return { result, warnings };
  };

  test('is read under its old name, with a warning that says the new one', () => {
    const { result, warnings } = read({ HOLD_MS: '5', PORT: '1' });
    expect(result).toEqual({ HOLD_TTL_MS: '5', PORT: '1' });
    expect(warnings).toEqual(['HOLD_MS is called HOLD_TTL_MS now, and is still read for it.']);
  });

  test('is what its new name says where both are set', () => {
    const { result, warnings } = read({ HOLD_MS: '5', HOLD_TTL_MS: '7' });
    expect(result).toEqual({ HOLD_TTL_MS: '7' });
    expect(warnings).toEqual(['HOLD_MS is called HOLD_TTL_MS now, and is not read, for both are set.']);
  });

  test('is no matter for who uses the new names', () => {
    const { result, warnings } = read({ HOLD_TTL_MS: '7' });
    expect([result, warnings]).toEqual([{ HOLD_TTL_MS: '7' }, []]);
  });
});

describe('a setting that cannot be used', () => {
  const schema = z.object({
    HOLD_TTL_MS: z.coerce.number().int().min(1).max(7_200_000).default(1),
    KEPT_MS: z.coerce.number().int().min(5).optional(),
    SHARE: z.coerce.number().max(100).optional(),
    EVEN: z.coerce
      .number()
      .refine((value) => value % 2 === 0, 'an even number')
      .optional(),
    LEVEL: z.enum(['debug', 'info']).default('info'),
    SHOP_URL: z.url().optional(),
    ADMIN_PASSWORD: z.string().min(8).optional(),
    TOKEN_KEYS: z.string().max(3).optional(),
    JWT_SECRET: z.string().min(4, 'a secret of at least 4 characters').default('1234'),
    NEEDED: z.string(),
  });
  const problemsOf = (env: Record<string, string>) => {
    try {
      readEnvironment(schema, { NEEDED: 'x', ...env }, 'order');
    } catch (error) {
      if (error instanceof UnusableConfiguration) return error.problems;
      throw error;
    }
    return [];
  };

  test.each([
    ['HOLD_TTL_MS', 'abc', 'HOLD_TTL_MS: must be a whole number from 1 to 7200000, not "abc"'],
    ['HOLD_TTL_MS', '1.5', 'HOLD_TTL_MS: must be a whole number from 1 to 7200000, not "1.5"'],
    ['HOLD_TTL_MS', '0', 'HOLD_TTL_MS: must be a whole number from 1 to 7200000, not "0"'],
    ['HOLD_TTL_MS', '', 'HOLD_TTL_MS: must be a whole number from 1 to 7200000, not ""'],
    ['KEPT_MS', '4', 'KEPT_MS: must be a whole number, 5 at least, not "4"'],
    ['SHARE', '101', 'SHARE: must be a number, 100 at most, not "101"'],
    ['EVEN', '3', 'EVEN: an even number, not "3"'],
    ['LEVEL', 'two\nlines', 'LEVEL: must be one of debug, info, not "two\\nlines"'],
    ['SHOP_URL', 'secret', 'SHOP_URL: must be a URL'],
    ['ADMIN_PASSWORD', 'secret', 'ADMIN_PASSWORD: must have at least 8 characters'],
    ['TOKEN_KEYS', 'secret', 'TOKEN_KEYS: must have at most 3 characters'],
    ['JWT_SECRET', '123', 'JWT_SECRET: a secret of at least 4 characters'],
  ])('is named in a line, with what is allowed and, unless that is secret, was given: %s=%j', (name, value, line) => {
    expect(problemsOf({ [name]: value })).toEqual([line]);
  });

  test('is shown in part if it is long', () => {
    const [line] = problemsOf({ LEVEL: 'x'.repeat(10_000) });
    expect(line!.length).toBeLessThan(200);
  });

  test('may be one that is not there', () => {
    expect(() => readEnvironment(schema, {}, 'order')).toThrow(/\n {2}NEEDED: is missing$/);
  });

  test('keeps to itself the value of every setting by which somebody comes in', () => {
    const named = Object.keys(databaseSchema.shape).filter((name) => /URL|SECRET|TOKEN$/.test(name));
    expect(named).toEqual(expect.arrayContaining(['DATABASE_URL', 'AMQP_URL', 'INTERNAL_TOKEN', 'JWT_SECRET']));
    const schemaOfNone = z.object(Object.fromEntries(named.map((name) => [name, z.literal('none')])));
    const env = Object.fromEntries(named.map((name) => [name, 'shown']));
    expect(() => readEnvironment(schemaOfNone, env, 'order')).toThrow(/^(?![^]*shown)[^]*JWT_SECRET: must be none/);
  });
});
