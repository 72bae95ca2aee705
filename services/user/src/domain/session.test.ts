import { describe, expect, test } from '@jest/globals';
import { end, keep, rotate, type Session } from './session.ts';

const now = new Date('2030-01-01T00:00:00Z');
const later = (ms: number) => new Date(now.getTime() + ms);
const aSession = (changes: Partial<Session> = {}): Session => ({
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
const lifetime = { idleMs: 90_000, absoluteMs: 1_000_000 };
const request = (presentedHash: string) => ({ presentedHash, nextHash: 'second', lifetime });

describe('rotating a refresh token', () => {
  test('the newest token of a live family is used up for the next one', () => {
    expect(rotate(aSession(), request('first'), now)).toEqual({
      outcome: 'rotated',
      session: aSession({ tokenHash: 'second', expiresAt: later(90_000), refreshedAt: now }),
      used: { tokenHash: 'first', sessionId: 's1', expiresAt: later(60_000) },
    });
  });

  test('an older token of the family ends it', () => {
    const decision = rotate(aSession({ tokenHash: 'second' }), request('first'), now);
    expect(decision).toEqual({
      outcome: 'refused',
      reason: 'reused',
      session: aSession({ tokenHash: 'second', revokedAt: now }),
    });
  });

  test('reuse counts even when the family has expired meanwhile', () => {
    const decision = rotate(aSession({ tokenHash: 'second', expiresAt: now }), request('first'), now);
    expect(decision).toMatchObject({ outcome: 'refused', reason: 'reused' });
  });

  test.each<[string, Session | undefined]>([
    ['unknown', undefined],
    ['revoked', aSession({ revokedAt: now })],
    ['expired', aSession({ expiresAt: now })],
    ['revoked', aSession({ accountVersion: 2 })],
    ['expired', aSession({ createdAt: later(-1_000_000) })],
  ])('%s is refused', (reason, session) => {
    expect(rotate(session, request('first'), now)).toEqual({ outcome: 'refused', reason });
  });

  test('a token is good until the millisecond before it expires', () => {
    expect(rotate(aSession({ expiresAt: later(1) }), request('first'), now)).toMatchObject({ outcome: 'rotated' });
  });

  test('of two uses of the same token exactly one wins, and the family is ended', () => {
    const first = rotate(aSession(), request('first'), now);
    if (first.outcome !== 'rotated') throw new Error('the first use must win');
    const second = rotate(first.session, { ...request('first'), nextHash: 'third' }, now);
    if (second.outcome !== 'refused' || second.reason !== 'reused') throw new Error('the second use must be a reuse');
    expect(rotate(second.session, request('second'), now)).toEqual({ outcome: 'refused', reason: 'revoked' });
  });

  test('no refresh carries a session beyond its absolute life', () => {
    const old = aSession({ createdAt: later(-999_000), expiresAt: later(500) });
    expect(rotate(old, request('first'), now)).toMatchObject({ session: { expiresAt: later(1_000) } });
  });

  test('the session from which the password was changed is ahead of what was read of its account', () => {
    expect(rotate(aSession({ credentialsVersion: 2 }), request('first'), now)).toMatchObject({ outcome: 'rotated' });
  });
});

describe('what an owner does with a session', () => {
  test('ends it for its owner', () => {
    expect(end(aSession(), 'u1', now)).toEqual(aSession({ revokedAt: now }));
  });

  test('it goes on with a new password', () => {
    expect(keep(aSession(), 'u1', 2, now)).toEqual(aSession({ credentialsVersion: 2, accountVersion: 2 }));
  });

  test.each<[string, Session | undefined]>([
    ['there is none', undefined],
    ['it is somebody else’s', aSession({ userId: 'u2' })],
    ['it has ended', aSession({ revokedAt: now })],
    ['it has expired', aSession({ expiresAt: now })],
    ['a new password has ended it', aSession({ accountVersion: 2 })],
  ])('%s', (_what, session) => {
    expect(end(session, 'u1', now)).toBeUndefined();
    expect(keep(session, 'u1', 2, now)).toBeUndefined();
  });
});
