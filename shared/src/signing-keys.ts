import { createECDH, createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** The public half of a P-256 key, as in a JWKS (RFC 7517). */
export const publicKey = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
  kid: z.string(),
  use: z.literal('sig'),
  alg: z.literal('ES256'),
});
export type PublicKey = z.output<typeof publicKey>;
export const keySet = z.object({ keys: z.array(publicKey).max(100) });

export interface SigningKey {
  kid: string;
  privateKey: KeyObject;
  publicKey: PublicKey;
}

const secretBytes = 32;

/**
 * The key pair of a secret, which is its private scalar: 32 bytes in hexadecimal or base64url, so that it is made like
 * any other secret of an installation. @throws Error when it is none
 */
export function signingKey(secret: string): SigningKey {
  const d = Buffer.from(secret, /^[0-9a-f]{64}$/i.test(secret) ? 'hex' : 'base64url');
  if (d.length !== secretBytes) throw new Error('a signing key is 32 random bytes, in hexadecimal or base64url');
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(d); // throws for the few numbers that are no scalar, such as zero
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  const jwk = { kty: 'EC', crv: 'P-256', x, y } as const;
  // RFC 7638: the same key has the same name everywhere, and nobody has to choose one.
  const kid = createHash('sha256').update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest('base64url');
  const privateKey = createPrivateKey({ key: { ...jwk, d: d.toString('base64url') }, format: 'jwk' });
  return { kid, privateKey, publicKey: { ...jwk, kid, use: 'sig', alg: 'ES256' } };
}

export type KeySource = () => Promise<PublicKey[]>;

/** How often keys are asked for at most, because a token names one that is not known. */
const askEveryMs = 500;

/** The keys by which tokens are verified, as the user service tells them. What it tells no more is no longer believed. */
export class VerificationKeys {
  readonly #source: KeySource;
  #keys = new Map<string, KeyObject>();
  #asking: Promise<void> | undefined;
  #askedAtMs = -Infinity;

  constructor(source: KeySource) {
    this.#source = source;
  }

  of(kid: string): KeyObject | undefined {
    return this.#keys.get(kid);
  }

  /** Asks for them; whoever comes meanwhile gets the same answer. @throws what the source throws */
  learn(): Promise<void> {
    return (this.#asking ??= this.#ask().finally(() => (this.#asking = undefined)));
  }

  async #ask(): Promise<void> {
    const restMs = this.#askedAtMs + askEveryMs - performance.now();
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    this.#askedAtMs = performance.now();
    const keys = await this.#source();
    this.#keys = new Map(keys.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]));
  }
}
