import { createSecretKey, timingSafeEqual, createHash, type KeyObject } from 'node:crypto';
import type { RequestHandler, Request } from 'express';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import type { Bearer, EndedSessions } from './ended-sessions.ts';
import { AppError } from '@flash-sale/contract/errors.ts';
import { remembered } from './remembered.ts';
import type { SigningKey, VerificationKeys } from './signing-keys.ts';

export const roles = ['shopper', 'admin'] as const;
export type Role = (typeof roles)[number];
export interface Principal {
  userId: string;
  role: Role;
  /** The log-in that it comes from; tokens of earlier releases do not tell. */
  sessionId?: string;
}

/** What is written into a token. */
export interface TokenContent extends Principal {
  /** Of the account when its password was verified; a later one ends the session. */
  credentialsVersion?: number;
}

const issuer = 'flash-sale';
const maxLifeSeconds = 86_400;
const maxRemembered = 10_000;
const claims = z.object({
  sub: z.uuid(),
  role: z.enum(roles),
  iat: z.number(),
  exp: z.number(),
  sid: z.uuid().optional(),
  ver: z.number().int().optional(),
});

interface Known {
  principal: Principal;
  bearer: Bearer;
  expiresAtMs: number;
  /** Of the key that it was verified by, if that was not the shared secret. */
  keyId: string | undefined;
}

/** By which algorithms tokens may be signed: by the secret that all services share, or by a key that only the user service has. */
export const tokenAlgorithms = ['hs256', 'es256'] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

export interface AccessTokenOptions {
  /** The sessions whose tokens are not good any more. */
  ended?: Pick<EndedSessions, 'has' | 'catchUp'>;
  /** By which ES256 is verified. */
  keys?: VerificationKeys;
  /** All unless given. */
  accepted?: readonly TokenAlgorithm[];
  /** Signs with this instead of the secret. */
  signWith?: SigningKey | undefined;
}

/** A token names a key that is not known, or not yet. */
class UnknownKey extends AppError {
  constructor() {
    super('unauthenticated', 'The access token is not valid.');
  }
}

/**
 * Of tokens signed by a secret, those that were found good, by the secret: what one service of a process has signed or
 * verified the others need not.
 */
const goodBySecret = new Map<string, Map<string, Known>>();

/** Signs and verifies access tokens: one issuer, expiry required. */
export function accessTokens(secret: string, options: AccessTokenOptions = {}) {
  const { ended, keys, accepted = tokenAlgorithms, signWith } = options;
  // A string secret would be tried as a PEM first: 290 µs instead of 6 µs a token.
  const shared = createSecretKey(Buffer.from(secret));
  /** Tokens that were found good, whole as they came, until they expire: a shopper sends the same one many times. */
  const bySecret = goodBySecret.get(secret) ?? new Map<string, Known>();
  goodBySecret.set(secret, bySecret);
  const byKey = new Map<string, Known>();
  const remember = (token: string, seen: Known) => {
    const known = seen.keyId === undefined ? bySecret : byKey;
    if (known.size >= maxRemembered) known.delete(known.keys().next().value!);
    known.set(token, seen);
  };
  const seenBefore = (token: string) =>
    (accepted.includes('hs256') ? bySecret.get(token) : undefined) ?? byKey.get(token);

  /** The kind of the key decides on the algorithm; what the token says of it must only agree. @throws UnknownKey */
  const keyOf = (kid: string | undefined): { key: KeyObject; algorithm: 'HS256' | 'ES256' } => {
    if (kid === undefined) {
      if (!accepted.includes('hs256')) throw new AppError('unauthenticated', 'The access token is not valid.');
      return { key: shared, algorithm: 'HS256' };
    }
    const key = accepted.includes('es256') ? keys?.of(kid) : undefined;
    if (!key) throw new UnknownKey();
    return { key, algorithm: 'ES256' };
  };

  /** @throws AppError unauthenticated */
  const check = (token: string): Known => {
    try {
      const keyId = keyIdOfHeader(token.split('.', 1)[0]!);
      const { key, algorithm } = keyOf(keyId);
      const maxAge = maxLifeSeconds;
      const parsed = claims.parse(jwt.verify(token, key, { algorithms: [algorithm], issuer, maxAge }));
      const { sub: userId, role, iat, exp, sid: sessionId, ver: credentialsVersion } = parsed;
      return {
        principal: { userId, role, ...(sessionId === undefined ? {} : { sessionId }) },
        bearer: { userId, sessionId, credentialsVersion },
        expiresAtMs: Math.min(exp, iat + maxLifeSeconds) * 1_000,
        keyId,
      };
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      const expired = cause instanceof jwt.TokenExpiredError;
      throw new AppError(
        'unauthenticated',
        expired ? 'The access token has expired.' : 'The access token is not valid.',
      );
    }
  };

  /** @throws AppError unauthenticated */
  const verify = (token: string): Principal => {
    let seen = seenBefore(token);
    const isWithdrawn = seen?.keyId !== undefined && keys?.of(seen.keyId) === undefined;
    if (!seen || seen.expiresAtMs <= Date.now() || isWithdrawn) {
      for (const known of [bySecret, byKey]) known.delete(token);
      seen = check(token);
      remember(token, seen);
    }
    if (ended?.has(seen.bearer)) {
      throw new AppError('unauthenticated', 'The session of this access token has ended; log in again.');
    }
    return seen.principal;
  };

  /** The same, once it is known which sessions have ended lately. */
  const verifyUpToDate = (token: string): Principal | Promise<Principal> => {
    const principal = verify(token);
    const catchingUp = ended?.catchUp();
    return catchingUp ? catchingUp.then(() => verify(token)) : principal;
  };

  return {
    sign: ({ userId, role, sessionId, credentialsVersion }: TokenContent, ttlSeconds: number): string => {
      const iat = Math.floor(Date.now() / 1_000);
      const content = { iat, role, sid: sessionId, ver: credentialsVersion };
      const token = jwt.sign(content, signWith?.privateKey ?? shared, {
        ...(signWith ? { algorithm: 'ES256', keyid: signWith.kid } : { algorithm: 'HS256' }),
        issuer,
        subject: userId,
        expiresIn: ttlSeconds,
      });
      // Who has signed it need not verify it.
      if (!signWith)
        remember(token, {
          principal: { userId, role, ...(sessionId === undefined ? {} : { sessionId }) },
          bearer: { userId, sessionId, credentialsVersion },
          expiresAtMs: (iat + Math.min(ttlSeconds, maxLifeSeconds)) * 1_000,
          keyId: undefined,
        });
      return token;
    },
    verify,
    /**
     * The same, once the keys have been asked for if the token names one that is not known, and once it is known which
     * sessions have ended lately.
     * @throws AppError unauthenticated; unavailable when the keys cannot be asked for
     */
    verifyOrLearn: (token: string): Principal | Promise<Principal> => {
      try {
        return verifyUpToDate(token);
      } catch (error) {
        if (!(error instanceof UnknownKey) || !keys) throw error;
        return keys.learn().then(
          () => verifyUpToDate(token),
          (cause: unknown) => {
            const detail =
              'The keys of access tokens cannot be asked for right now. Nothing was changed; try again shortly.';
            throw new AppError('unavailable', detail, { cause });
          },
        );
      }
    },
  };
}

/**
 * The name of the key that a token with such a header is said to be signed with; undefined where there is none, or no
 * header. All tokens of a key have the same.
 */
const keyIdOfHeader = remembered((header: string): string | undefined => {
  try {
    const kid = (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid?: unknown } | null)?.kid;
    if (kid === undefined) return undefined;
    return typeof kid === 'string' ? kid : ''; // which no key is called
  } catch {
    return undefined;
  }
});

export type AccessTokens = ReturnType<typeof accessTokens>;

const principals = new WeakMap<Request, Principal>();

/** RFC 9110 allows more than one space between scheme and token. */
const bearer = /^bearer +([\w.~+/-]+=*)$/i;

/** Lets only requests with a valid bearer token pass; with a role, only those who have it. */
export function requireUser(tokens: AccessTokens, role?: Role): RequestHandler {
  return (request, _response, next) => {
    const token = bearer.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) {
      throw new AppError('unauthenticated', 'Send the access token as "Authorization: Bearer <token>".');
    }
    const admit = (principal: Principal) => {
      if (role && principal.role !== role) throw new AppError('forbidden', `This needs the role "${role}".`);
      principals.set(request, principal);
      next();
    };
    // At once, wherever it can be: a promise for each request would cost something for nothing.
    const principal = tokens.verifyOrLearn(token);
    return principal instanceof Promise ? principal.then(admit) : admit(principal);
  };
}

/** The signed-in user of a request behind requireUser. */
export function principalOf(request: Request): Principal {
  const principal = principals.get(request);
  if (!principal) throw new AppError('internal', 'A route reads the principal without requiring one.');
  return principal;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** Lets only other services pass; anybody else sees a route that does not exist. */
export function requireInternal(token: string): RequestHandler {
  const expected = sha256(`Bearer ${token}`);
  return (request, _response, next) => {
    if (!timingSafeEqual(sha256(request.headers.authorization ?? ''), expected)) {
      throw new AppError('not-found', 'There is nothing at this address.');
    }
    next();
  };
}
