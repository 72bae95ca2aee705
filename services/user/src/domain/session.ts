import { nothing, refuse, type Context, type Refused, type Result } from '@flash-sale/shared/messaging/decision.ts';
import type { NewSession, Session, UserState } from './state.ts';

/** How long a session lives: `idleMs` after its last refresh, and at most `absoluteMs`. */
export interface Lifetime {
  idleMs: number;
  absoluteMs: number;
}

/** When a session ends that is refreshed now. */
function expiryOf(createdAt: Date, now: Date, { idleMs, absoluteMs }: Lifetime): Date {
  return new Date(Math.min(now.getTime() + idleMs, createdAt.getTime() + absoluteMs));
}

export interface LogIn extends Omit<NewSession, 'createdAt' | 'expiresAt'> {
  lifetime: Lifetime;
}

/** Opens a session without a check: if the password was changed meanwhile, its version makes it an ended one. */
export function open({ lifetime, ...session }: LogIn, state: UserState, { now }: Context): Result {
  state.addSession({ ...session, createdAt: now, expiresAt: expiryOf(now, now, lifetime) });
  return nothing;
}

export interface Rotation {
  presentedHash: string;
  nextHash: string;
  lifetime: Lifetime;
}

export type Rotated =
  | (Result & { session: Session })
  | Refused<'unknown' | 'revoked' | 'expired'>
  /** Two clients have the token, and which of them is the thief is unknown: the whole session ends. */
  | (Refused<'reused'> & { sessionId: string });

/** Exchanges a refresh token for the next one. */
export function rotate({ presentedHash, nextHash, lifetime }: Rotation, state: UserState, { now }: Context): Rotated {
  const session = state.sessionOfToken(presentedHash);
  if (!session) return refuse('unknown');
  if (!isLive(session)) return refuse('revoked');
  if (session.tokenHash !== presentedHash) {
    // A refusal, not an exception: the revocation is committed although the client hears 401.
    state.changeSession({ ...session, revokedAt: now });
    return { ...refuse('reused'), sessionId: session.id };
  }
  const expiresAt = expiryOf(session.createdAt, now, lifetime);
  if (session.expiresAt <= now || expiresAt <= now) return refuse('expired');
  const rotated = { ...session, tokenHash: nextHash, expiresAt, refreshedAt: now };
  state.changeSession(rotated, { tokenHash: presentedHash, sessionId: session.id, expiresAt: session.expiresAt });
  return { session: rotated, events: [] };
}

interface OwnSession {
  sessionId: string;
  userId: string;
}

/** Ends a session for its owner. */
export function end(own: OwnSession, state: UserState, { now }: Context): Result | Refused<'not-found'> {
  const session = liveSession(own, state, now);
  if (!session) return refuse('not-found');
  state.changeSession({ ...session, revokedAt: now });
  return nothing;
}

/** Keeps the session from which the password is changed. */
export function keep(
  { credentialsVersion, ...own }: OwnSession & { credentialsVersion: number },
  state: UserState,
  { now }: Context,
): Result | Refused<'not-found'> {
  const session = liveSession(own, state, now);
  if (!session) return refuse('not-found');
  state.changeSession({ ...session, credentialsVersion, accountVersion: credentialsVersion });
  return nothing;
}

function liveSession({ sessionId, userId }: OwnSession, state: UserState, now: Date): Session | undefined {
  const session = state.session(sessionId);
  return session?.userId === userId && isLive(session) && session.expiresAt > now ? session : undefined;
}

/** Not ended by its owner, by a new password, or by the deletion of the account. */
const isLive = ({ revokedAt, credentialsVersion, accountVersion }: Session): boolean =>
  revokedAt === null && credentialsVersion >= accountVersion;
