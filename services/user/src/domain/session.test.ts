import { describe, expect, test } from '@jest/globals';
import { rotate, type Session } from './session.ts';

const now = new Date('2030-01-01T00:00:00Z');
const later = (ms: number) => new Date(now.getTime() + ms);
const aSession = (changes: Partial<Session> = {}): Session => ({
  id: 's1',
  userId: 'u1',
  role: 'shopper',
  tokenHash: 'first',
  expiresAt: later(60_000),
  revokedAt: null,
  ...changes,
});
const request = (presentedHash: string) => ({ presentedHash, nextHash: 'second', ttlMs: 90_000 });

describe('rotating a refresh token', () => {
  test('the newest token of a live family is used up for the next one', () => {
    expect(rotate(aSession(), request('first'), now)).toEqual({
      outcome: 'rotated',
      session: aSession({ tokenHash: 'second', expiresAt: later(90_000) }),
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
});
