import { describe, expect, jest, test } from '@jest/globals';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Request, Response } from 'express';
import jwt from 'jsonwebtoken';
import { accessTokens, principalOf, requireInternal, requireUser } from './auth.ts';
import { newId } from './ids.ts';
import { signingKey, VerificationKeys } from './signing-keys.ts';

const secret = 'a secret of the tests that is long enough';
const tokens = accessTokens(secret);
/** Of another process, as it were: it knows of no token that `tokens` has signed. */
const others = accessTokens(secret, { accepted: ['hs256'] });
const userId = newId();
const key = Buffer.from(secret);
const claims = { sub: userId, role: 'admin', iss: 'flash-sale' };
const unauthenticated = expect.objectContaining({ name: 'AppError', code: 'unauthenticated' });

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token put together by hand, with a header of one's own. */
const forged = (header: object, payload: object, signingKey: string | Buffer = key) => {
  const body = `${base64(header)}.${base64(payload)}`;
  return `${body}.${createHmac('sha256', signingKey).update(body).digest('base64url')}`;
};
const inAnHour = () => Math.floor(Date.now() / 1000) + 3_600;
const nowSeconds = () => Math.floor(Date.now() / 1000);

describe('access tokens', () => {
  test('what is signed is what is verified', () => {
    for (const role of ['shopper', 'admin'] as const) {
      const token = tokens.sign({ userId, role }, 60);
      for (const verifier of [tokens, others]) expect(verifier.verify(token)).toEqual({ userId, role });
    }
  });

  test('what one service of a process has signed or verified, the next need not verify', () => {
    const verifies = jest.spyOn(jwt, 'verify');
    const mine = tokens.sign({ userId, role: 'shopper' }, 60);
    const theirs = forged({ alg: 'HS256', typ: 'JWT' }, { ...claims, iat: nowSeconds(), exp: inAnHour() });
    for (const token of [mine, theirs, theirs]) accessTokens(secret).verify(token);
    expect(verifies).toHaveBeenCalledTimes(1);
    verifies.mockRestore();
  });

  test('a service that does not accept what it signs with refuses that, too', () => {
    const strict = accessTokens(secret, { accepted: ['es256'] });
    expect(() => strict.verify(strict.sign({ userId, role: 'admin' }, 60))).toThrow(unauthenticated);
  });

  test('a token that was found good is good no longer than it lives, and changed by one letter not at all', () => {
    const nowMs = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(nowMs);
    try {
      const token = tokens.sign({ userId, role: 'shopper' }, 60);
      const changed = `${token.slice(0, -3)}${token.at(-3) === 'A' ? 'B' : 'A'}${token.slice(-2)}`;
      for (const verifier of [tokens, others]) {
        clock.mockReturnValue(nowMs);
        expect(verifier.verify(token)).toEqual({ userId, role: 'shopper' });
        clock.mockReturnValue(nowMs + 58_000);
        expect(verifier.verify(token)).toEqual({ userId, role: 'shopper' });
        expect(() => verifier.verify(changed)).toThrow();
        clock.mockReturnValue(nowMs + 61_000);
        expect(() => verifier.verify(token)).toThrow('The access token has expired.');
      }
    } finally {
      clock.mockRestore();
    }
  });

  test('a hand-made token with everything right is the same: what follows fails for one reason each', () => {
    const token = forged({ alg: 'HS256', typ: 'JWT' }, { ...claims, iat: nowSeconds(), exp: inAnHour() });
    expect(tokens.verify(token)).toEqual({ userId, role: 'admin' });
  });

  test.each<[string, () => string]>([
    ['nothing', () => ''],
    ['no token', () => 'nonsense'],
    ['no signature', () => tokens.sign({ userId, role: 'admin' }, 60).split('.').slice(0, 2).join('.') + '.'],
    [
      'algorithm none',
      () => `${base64({ alg: 'none' })}.${base64({ ...claims, iat: nowSeconds(), exp: inAnHour() })}.`,
    ],
    ['algorithm none, still signed', () => forged({ alg: 'none' }, { ...claims, iat: nowSeconds(), exp: inAnHour() })],
    ['another key', () => accessTokens(`${secret}!`).sign({ userId, role: 'admin' }, 60)],
    [
      'a stronger algorithm of the same key',
      () =>
        jwt.sign({ role: 'admin' }, secret, {
          algorithm: 'HS512',
          subject: userId,
          issuer: 'flash-sale',
          expiresIn: 60,
        }),
    ],
    [
      'signed by RSA',
      () => {
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        return jwt.sign({ role: 'admin' }, privateKey, {
          algorithm: 'RS256',
          subject: userId,
          issuer: 'flash-sale',
          expiresIn: 60,
        });
      },
    ],
    [
      'said to be RS256, signed with the secret',
      () => forged({ alg: 'RS256', typ: 'JWT' }, { ...claims, iat: nowSeconds(), exp: inAnHour() }),
    ],
    [
      'another issuer',
      () => forged({ alg: 'HS256' }, { ...claims, iss: 'elsewhere', iat: nowSeconds(), exp: inAnHour() }),
    ],
    ['no issuer', () => forged({ alg: 'HS256' }, { sub: userId, role: 'admin', iat: nowSeconds(), exp: inAnHour() })],
    [
      'no subject',
      () => forged({ alg: 'HS256' }, { role: 'admin', iss: 'flash-sale', iat: nowSeconds(), exp: inAnHour() }),
    ],
    [
      'a subject that is no id',
      () => forged({ alg: 'HS256' }, { ...claims, sub: 'root', iat: nowSeconds(), exp: inAnHour() }),
    ],
    ['no role', () => forged({ alg: 'HS256' }, { sub: userId, iss: 'flash-sale', iat: nowSeconds(), exp: inAnHour() })],
    [
      'a role that is none',
      () => forged({ alg: 'HS256' }, { ...claims, role: 'root', iat: nowSeconds(), exp: inAnHour() }),
    ],
    ['no expiry', () => forged({ alg: 'HS256' }, { ...claims, iat: nowSeconds() })],
    ['no time of issue', () => forged({ alg: 'HS256' }, { ...claims, exp: inAnHour() })],
    [
      'issued more than a day ago',
      () => forged({ alg: 'HS256' }, { ...claims, iat: nowSeconds() - 90_000, exp: inAnHour() }),
    ],
    [
      'valid in the future only',
      () => forged({ alg: 'HS256' }, { ...claims, nbf: inAnHour(), iat: nowSeconds(), exp: inAnHour() }),
    ],
  ])('refused: %s', (_what, token) => {
    expect(() => tokens.verify(token())).toThrow(unauthenticated);
  });

  test('an expired one is told to be so', () => {
    const token = forged({ alg: 'HS256' }, { ...claims, iat: nowSeconds() - 100, exp: nowSeconds() - 1 });
    expect(() => tokens.verify(token)).toThrow('The access token has expired.');
  });

  test('a changed payload is refused', () => {
    const [header, , signature] = tokens.sign({ userId, role: 'shopper' }, 60).split('.');
    const admin = base64({ ...claims, iat: nowSeconds(), exp: inAnHour() });
    expect(() => tokens.verify([header, admin, signature].join('.'))).toThrow(unauthenticated);
  });
});

describe('tokens signed by a key pair', () => {
  const [key, another] = [signingKey('1'.repeat(64)), signingKey('2'.repeat(64))];
  const verifierOf = async (published = [key], accepted?: ('hs256' | 'es256')[]) => {
    const keys = new VerificationKeys(() => Promise.resolve(published.map(({ publicKey }) => publicKey)));
    await keys.learn();
    return accessTokens(secret, { keys, ...(accepted ? { accepted } : {}) });
  };
  const principal = { userId, role: 'admin' } as const;
  const signed = (by = key) =>
    accessTokens('another secret than the verifier has', { signWith: by }).sign(principal, 60);

  test('of a key that is not known yet are believed only once it is known which sessions have ended lately', async () => {
    let isEnded = false;
    const ended = { has: () => isEnded, catchUp: () => Promise.resolve().then(() => void (isEnded = true)) };
    const keys = new VerificationKeys(() => Promise.resolve([key.publicKey]));
    const rested = accessTokens(secret, { keys, ended });
    await expect(rested.verifyOrLearn(signed())).rejects.toThrow('has ended');
  });

  test('are believed by their key, beside those of the secret while both are accepted', async () => {
    const both = await verifierOf();
    expect(both.verify(signed())).toEqual(principal);
    expect(both.verify(tokens.sign(principal, 60))).toEqual(principal);
    const onlyKeys = await verifierOf([key], ['es256']);
    expect(onlyKeys.verify(signed())).toEqual(principal);
    expect(() => onlyKeys.verify(tokens.sign(principal, 60))).toThrow(unauthenticated);
    const onlySecret = await verifierOf([key], ['hs256']);
    expect(() => onlySecret.verify(signed())).toThrow(unauthenticated);
  });

  const es256 = { alg: 'ES256', kid: key.kid };
  const fresh = () => ({ ...claims, iat: nowSeconds(), exp: inAnHour() });
  const pem = createPublicKey({ key: key.publicKey, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  test.each<[string, () => string]>([
    ['a key that nobody published', () => signed(another)],
    [
      'another key under a published name',
      () => accessTokens(secret, { signWith: { ...another, kid: key.kid } }).sign(principal, 60),
    ],
    ['the secret under the name of a key', () => forged({ alg: 'HS256', kid: key.kid }, fresh())],
    ['the secret, said to be ES256', () => forged(es256, fresh())],
    ['the public key taken for a secret', () => forged({ alg: 'HS256', kid: key.kid }, fresh(), pem)],
    ['the same without its name', () => forged({ alg: 'HS256' }, fresh(), pem)],
    ['no signature under the name of a key', () => `${base64({ alg: 'none', kid: key.kid })}.${base64(fresh())}.`],
    ['a key without its name', () => jwt.sign(fresh(), key.privateKey, { algorithm: 'ES256' })],
    ['a name that is none', () => forged({ alg: 'HS256', kid: { toString: 'x' } }, fresh())],
    ['an empty name', () => forged({ alg: 'HS256', kid: '' }, fresh())],
  ])('refused: %s', async (_what, token) => {
    const verifier = await verifierOf();
    expect(() => verifier.verify(token())).toThrow(unauthenticated);
    await expect((async () => verifier.verifyOrLearn(token()))()).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('a new key is asked for when the first token names it; one that is withdrawn is not believed any more', async () => {
    let published = [key];
    const keys = new VerificationKeys(() => Promise.resolve(published.map(({ publicKey }) => publicKey)));
    const verifier = accessTokens(secret, { keys });
    const middleware = requireUser(verifier);
    const admit = async (token: string) => {
      const request = ask(`Bearer ${token}`);
      let passed = false;
      await middleware(request, {} as Response, () => (passed = true));
      return passed && principalOf(request).userId;
    };
    expect(await admit(signed())).toBe(userId);
    published = [another, key];
    expect(await admit(signed(another))).toBe(userId);
    expect(await admit(signed())).toBe(userId);
    published = [another];
    await keys.learn();
    await expect(admit(signed())).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('while nobody can be asked, those of known keys are good, and others are told to come again', async () => {
    const keys = new VerificationKeys(() => Promise.reject(new Error('away')));
    await expect(accessTokens(secret, { keys }).verifyOrLearn(signed())).rejects.toMatchObject({ code: 'unavailable' });
  });
});

const ask = (authorization?: string) => ({ headers: { authorization } }) as unknown as Request;
const pass = (middleware: ReturnType<typeof requireUser>, request: Request) => {
  let passed = false;
  void middleware(request, {} as Response, () => (passed = true));
  return passed;
};

describe('requireUser', () => {
  const token = tokens.sign({ userId, role: 'shopper' }, 60);

  test.each([`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`, `Bearer  ${token}`, `Bearer    ${token}`])(
    'lets a signed-in user pass',
    (header) => {
      const request = ask(header);
      expect(pass(requireUser(tokens), request)).toBe(true);
      expect(principalOf(request)).toEqual({ userId, role: 'shopper' });
    },
  );

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    token,
    `Basic ${token}`,
    `Bearer\t${token}`,
    `Bearer ${token} ${token}`,
    'Bearer x',
  ])('refuses %s', (header) => {
    expect(() => pass(requireUser(tokens), ask(header))).toThrow(unauthenticated);
  });

  test('asks for the role', () => {
    expect(() => pass(requireUser(tokens, 'admin'), ask(`Bearer ${token}`))).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    const admin = tokens.sign({ userId, role: 'admin' }, 60);
    expect(pass(requireUser(tokens, 'admin'), ask(`Bearer ${admin}`))).toBe(true);
  });

  test('without it, there is no principal to read', () => {
    expect(() => principalOf(ask())).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('requireInternal', () => {
  const middleware = requireInternal('the internal token');

  test('lets services pass', () => {
    expect(pass(middleware, ask('Bearer the internal token'))).toBe(true);
  });

  test.each([undefined, '', 'the internal token', 'Bearer the internal tokem', 'Bearer the internal token '])(
    'is not there for %s',
    (header) => {
      expect(() => pass(middleware, ask(header))).toThrow(expect.objectContaining({ code: 'not-found' }));
    },
  );
});
