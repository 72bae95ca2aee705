import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { keySet, signingKey, VerificationKeys } from './signing-keys.ts';

describe('a signing key', () => {
  test('is the same pair and the same name, however its secret is written', () => {
    const secret = randomBytes(32);
    const [hex, base64url] = [signingKey(secret.toString('hex')), signingKey(secret.toString('base64url'))];
    expect(base64url.publicKey).toEqual(hex.publicKey);
    expect(hex.kid).toMatch(/^[\w-]{43}$/);
    expect(keySet.parse({ keys: [hex.publicKey] }).keys).toEqual([hex.publicKey]);
    expect(JSON.stringify(hex.publicKey)).not.toContain(secret.toString('base64url'));
  });

  test('has the thumbprint of RFC 7638 as its name, and signs what its public half verifies', async () => {
    const key = signingKey(randomBytes(32).toString('hex'));
    const token = jwt.sign({ a: 1 }, key.privateKey, { algorithm: 'ES256' });
    const keys = new VerificationKeys(() => Promise.resolve([key.publicKey]));
    expect(keys.of(key.kid)).toBeUndefined();
    await keys.learn();
    expect(jwt.verify(token, keys.of(key.kid)!, { algorithms: ['ES256'] })).toMatchObject({ a: 1 });
  });

  test.each(['', 'short', 'x'.repeat(44), '0'.repeat(64), 'f'.repeat(64), `${'0'.repeat(63)}g`])(
    'is not %s',
    (secret) => {
      expect(() => signingKey(secret)).toThrow();
    },
  );
});

describe('verification keys', () => {
  test('are asked for once by all who need them, and those not told any more are gone', async () => {
    const [old, next] = [signingKey('1'.repeat(64)), signingKey('2'.repeat(64))];
    const answers = [[old.publicKey], [old.publicKey, next.publicKey], [next.publicKey]];
    let asked = 0;
    const keys = new VerificationKeys(() => Promise.resolve(answers[asked++] ?? []));
    await Promise.all(Array.from({ length: 20 }, () => keys.learn()));
    expect([asked, keys.of(old.kid) !== undefined, keys.of(next.kid) !== undefined]).toEqual([1, true, false]);
    await keys.learn();
    expect([keys.of(old.kid) !== undefined, keys.of(next.kid) !== undefined]).toEqual([true, true]);
    await keys.learn();
    expect([keys.of(old.kid) !== undefined, keys.of(next.kid) !== undefined]).toEqual([false, true]);
  });

  test('stay while nobody can be asked', async () => {
    const key = signingKey('3'.repeat(64));
    let away = false;
    const keys = new VerificationKeys(() =>
      away ? Promise.reject(new Error('away')) : Promise.resolve([key.publicKey]),
    );
    await keys.learn();
    away = true;
    await expect(keys.learn()).rejects.toThrow('away');
    expect(keys.of(key.kid)).toBeDefined();
  });
});
