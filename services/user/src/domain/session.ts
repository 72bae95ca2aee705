import type { Role } from './registration.ts';

export type { Role };

/** One log-in and the family of refresh tokens that descends from it. Only the newest token is good. */
export interface Session {
  id: string;
  userId: string;
  role: Role;
  tokenHash: string;
  createdAt: Date;
  refreshedAt: Date | null;
  expiresAt: Date;
  revokedAt: Date | null;
  /** Of the account when its password was verified for this session. */
  credentialsVersion: number;
  /** Of the account as it is now. */
  accountVersion: number;
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

/** How long a session lives: so long after its last refresh, and so long at most. */
export interface Lifetime {
  idleMs: number;
  absoluteMs: number;
}

export interface RotationRequest {
  presentedHash: string;
  nextHash: string;
  lifetime: Lifetime;
}

/** When a session ends that is refreshed now. */
export function expiryOf(createdAt: Date, now: Date, { idleMs, absoluteMs }: Lifetime): Date {
  return new Date(Math.min(now.getTime() + idleMs, createdAt.getTime() + absoluteMs));
}

/** Not ended by its owner, by a new password, or by the deletion of the account. */
const isLive = ({ revokedAt, credentialsVersion, accountVersion }: Session): boolean =>
  revokedAt === null && credentialsVersion >= accountVersion;

/**
 * Decides what becomes of a presented refresh token.
 * @param session the family that the token belongs to, undefined when there is none
 */
export function rotate(session: Session | undefined, request: RotationRequest, now: Date): Rotation {
  if (!session) return { outcome: 'refused', reason: 'unknown' };
  if (!isLive(session)) return { outcome: 'refused', reason: 'revoked' };
  if (session.tokenHash !== request.presentedHash) {
    return { outcome: 'refused', reason: 'reused', session: { ...session, revokedAt: now } };
  }
  const expiresAt = expiryOf(session.createdAt, now, request.lifetime);
  if (session.expiresAt <= now || expiresAt <= now) return { outcome: 'refused', reason: 'expired' };
  return {
    outcome: 'rotated',
    session: { ...session, tokenHash: request.nextHash, expiresAt, refreshedAt: now },
    used: { tokenHash: session.tokenHash, sessionId: session.id, expiresAt: session.expiresAt },
  };
}

/** Ends a session for its owner. @returns undefined when there is none that lives and is theirs */
export function end(session: Session | undefined, userId: string, now: Date): Session | undefined {
  return isTheirs(session, userId, now) ? { ...session, revokedAt: now } : undefined;
}

/** Lets a session go on when the password is changed from it. @returns undefined when there is none that lives and is theirs */
export function keep(
  session: Session | undefined,
  userId: string,
  credentialsVersion: number,
  now: Date,
): Session | undefined {
  if (!isTheirs(session, userId, now)) return undefined;
  return { ...session, credentialsVersion, accountVersion: credentialsVersion };
}

const isTheirs = (session: Session | undefined, userId: string, now: Date): session is Session =>
  session !== undefined && session.userId === userId && isLive(session) && session.expiresAt > now;
