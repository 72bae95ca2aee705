import { createHash, randomBytes } from 'node:crypto';

const tokenBytes = 32;

/** What is stored of a token. A plain hash is enough: 256 random bits cannot be guessed. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

export function newRefreshToken(): { token: string; tokenHash: string } {
  const token = randomBytes(tokenBytes).toString('base64url');
  return { token, tokenHash: hashOf(token) };
}
