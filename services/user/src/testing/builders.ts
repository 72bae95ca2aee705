import type { Context } from '@flash-sale/shared/messaging/decision.ts';
import type { Session } from '../domain/state.ts';

export const now = new Date('2030-01-01T00:00:00Z');
export const later = (ms: number): Date => new Date(now.getTime() + ms);

/** The context of a decision at that time. */
export const at = (time = now): Context => ({ now: time, isForgotten: () => false });

/** A session with a minute left. */
export const aSession = (changes: Partial<Session> = {}): Session => ({
  id: 's1',
  userId: 'u1',
  role: 'shopper',
  tokenHash: 'first',
  createdAt: later(-10_000),
  refreshedAt: null,
  credentialsVersion: 1,
  accountVersion: 1,
  expiresAt: later(60_000),
  revokedAt: null,
  ...changes,
});
