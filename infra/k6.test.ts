import { describe, expect, test } from '@jest/globals';
import { majorVersion } from './k6.ts';

describe('majorVersion', () => {
  test('reads what k6 prints about itself', () => {
    expect(majorVersion('k6 v2.2.0 (go1.26.8, linux/amd64)\n')).toBe(2);
    expect(majorVersion('k6 v0.57.0 (commit/50afd82c18, go1.23.6, linux/amd64)\n')).toBe(0);
  });

  test('knows nothing of other programs', () => {
    expect(majorVersion('')).toBeUndefined();
    expect(majorVersion('git version 2.47.0')).toBeUndefined();
  });
});
