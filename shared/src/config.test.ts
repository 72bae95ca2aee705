import { describe, expect, test } from '@jest/globals';
import { underNewNames } from './config.ts';

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
