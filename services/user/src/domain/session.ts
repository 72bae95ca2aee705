import type { Role } from './registration.ts';

export type { Role };

/** One log-in and the family of refresh tokens that descends from it. Only the newest token is good. */
export interface Session {
  id: string;
  userId: string;
  role: Role;
  tokenHash: string;
  expiresAt: Date;
  revokedAt: Date | null;
}

export interface UsedToken {
  tokenHash: string;
  sessionId: string;
  expiresAt: Date;
}

export type Refusal = 'unknown' | 'revoked' | 'expired' | 'reused';

export type Rotation =
  | { outcome: 'rotated'; session: Session; used: UsedToken }
  | { outcome: 'refused'; reason: Exclude<Refusal, 'reused'> }
  /** Somebody has a copy of the token, and nobody can tell who is the thief: the whole family ends. */
  | { outcome: 'refused'; reason: 'reused'; session: Session };

export interface RotationRequest {
  presentedHash: string;
  nextHash: string;
  ttlMs: number;
}

/**
 * Decides what becomes of a presented refresh token.
 * @param session the family that the token belongs to, undefined when there is none
 */
export function rotate(session: Session | undefined, request: RotationRequest, now: Date): Rotation {
  if (!session) return { outcome: 'refused', reason: 'unknown' };
  if (session.revokedAt) return { outcome: 'refused', reason: 'revoked' };
  if (session.tokenHash !== request.presentedHash) {
    return { outcome: 'refused', reason: 'reused', session: { ...session, revokedAt: now } };
  }
  if (session.expiresAt <= now) return { outcome: 'refused', reason: 'expired' };
  return {
    outcome: 'rotated',
    session: { ...session, tokenHash: request.nextHash, expiresAt: new Date(now.getTime() + request.ttlMs) },
    used: { tokenHash: session.tokenHash, sessionId: session.id, expiresAt: session.expiresAt },
  };
}
