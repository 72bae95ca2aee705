import { describe, expect, test } from '@jest/globals';
import { CredentialCache, type Verified } from './credential-cache.ts';

const credentials = (changes: Partial<Verified> = {}): Verified => ({
  userId: 'u1',
  passwordHash: 'h1',
  password: 'p1',
  ...changes,
});

describe('the credential cache', () => {
  test('knows exactly what was verified', () => {
    const cache = new CredentialCache({ maxEntries: 10, ttlMs: 1_000 });
    expect(cache.has(credentials())).toBe(false);
    cache.remember(credentials());
    expect(cache.has(credentials())).toBe(true);
    for (const other of [
      { userId: 'u2' },
      { passwordHash: 'h2' },
      { password: 'p2' },
      { passwordHash: 'h1\0p1', password: '' },
    ]) {
      expect(cache.has(credentials(other))).toBe(false);
    }
  });

  test('forgets after its time, however often it is asked', () => {
    let now = 0;
    const cache = new CredentialCache({ maxEntries: 10, ttlMs: 1_000, clock: () => now });
    cache.remember(credentials());
    for (now = 0; now < 1_000; now += 100) expect(cache.has(credentials())).toBe(true);
    expect(cache.has(credentials())).toBe(false);
    expect(cache.size).toBe(0);
  });

  test('is bounded, and the least recently used goes first', () => {
    const cache = new CredentialCache({ maxEntries: 3, ttlMs: 1_000 });
    for (const password of ['a', 'b', 'c']) cache.remember(credentials({ password }));
    cache.has(credentials({ password: 'a' }));
    cache.remember(credentials({ password: 'd' }));
    expect(cache.size).toBe(3);
    expect(['a', 'b', 'c', 'd'].filter((password) => cache.has(credentials({ password })))).toEqual(['a', 'c', 'd']);
  });

  test('another process cannot use its keys', () => {
    const [one, two] = [
      new CredentialCache({ maxEntries: 1, ttlMs: 1_000 }),
      new CredentialCache({ maxEntries: 1, ttlMs: 1_000 }),
    ];
    one.remember(credentials());
    expect(two.has(credentials())).toBe(false);
  });
});
