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

  test('forgets what has not been used for its time', () => {
    let now = 0;
    const cache = new CredentialCache({ maxEntries: 10, ttlMs: 1_000, clock: () => now });
    cache.remember(credentials());
    now = 999;
    expect(cache.has(credentials())).toBe(true);
    now += 1_000;
    expect(cache.has(credentials())).toBe(false);
    expect(cache.size).toBe(0);
  });

  test('a crowd that keeps coming is not forgotten all at once', () => {
    let now = 0;
    const cache = new CredentialCache({ maxEntries: 500, ttlMs: 1_000, clock: () => now });
    const crowd = Array.from({ length: 500 }, (_, n) => credentials({ userId: `u${n}` }));
    crowd.forEach((one) => cache.remember(one));
    for (now = 900; now < 10_000; now += 900) expect(crowd.every((one) => cache.has(one))).toBe(true);
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
