import { describe, expect, test } from '@jest/globals';
import { nothing, refuse } from '@flash-sale/shared/messaging/decision.ts';
import { aSession, at, later, now } from '../testing/builders.ts';
import { end, keep, open, rotate } from './session.ts';
import { UserState, type Session } from './state.ts';

const lifetime = { idleMs: 90_000, absoluteMs: 1_000_000 };
const request = (presentedHash: string) => ({ presentedHash, nextHash: 'second', lifetime });

/** The family of a token that is used up, and those of its newest. */
const given = (session: Session | undefined) =>
  new UserState({ sessions: session ? [session] : [], usedTokens: [{ tokenHash: 'first', sessionId: 's1' }] });
const rotated = (session: Session | undefined) => {
  const state = given(session);
  return { state, result: rotate(request('first'), state, at()) };
};

test('a new session lives as long as it may without a refresh, and no longer than at most', () => {
  const state = new UserState({});
  const session = { id: 's2', userId: 'u1', tokenHash: 'newest', credentialsVersion: 3, userAgent: null };
  expect(open({ ...session, lifetime }, state, at())).toEqual(nothing);
  open({ ...session, lifetime: { idleMs: 90_000, absoluteMs: 5_000 } }, state, at());
  expect(state.newSessions).toEqual([
    { ...session, createdAt: now, expiresAt: later(90_000) },
    { ...session, createdAt: now, expiresAt: later(5_000) },
  ]);
});

describe('rotating a refresh token', () => {
  test('the newest token of a live family is used up for the next one', () => {
    const session = aSession({ tokenHash: 'second', expiresAt: later(90_000), refreshedAt: now });
    const { state, result } = rotated(aSession());
    expect(result).toEqual({ session, events: [] });
    expect(state.changedSessions).toEqual([session]);
    expect(state.usedTokens).toEqual([{ tokenHash: 'first', sessionId: 's1', expiresAt: later(60_000) }]);
  });

  test('an older token of the family ends it', () => {
    const { state, result } = rotated(aSession({ tokenHash: 'second' }));
    expect(result).toEqual({ ...refuse('reused'), sessionId: 's1' });
    expect(state.changedSessions).toEqual([aSession({ tokenHash: 'second', revokedAt: now })]);
    expect(state.usedTokens).toEqual([]);
  });

  test('reuse counts even when the family has expired meanwhile', () => {
    expect(rotated(aSession({ tokenHash: 'second', expiresAt: now })).result).toMatchObject({ refusal: 'reused' });
  });

  test.each<['unknown' | 'revoked' | 'expired', Session | undefined]>([
    ['unknown', undefined],
    ['revoked', aSession({ revokedAt: now })],
    ['expired', aSession({ expiresAt: now })],
    ['revoked', aSession({ accountVersion: 2 })],
    ['expired', aSession({ createdAt: later(-1_000_000) })],
  ])('%s is refused', (reason, session) => {
    const { state, result } = rotated(session);
    expect(result).toEqual(refuse(reason));
    expect([state.changedSessions, state.usedTokens]).toEqual([[], []]);
  });

  test('a token is good until the millisecond before it expires', () => {
    expect(rotated(aSession({ expiresAt: later(1) })).result).toHaveProperty('session');
  });

  test('of two uses of the same token exactly one wins, and the family is ended', () => {
    const { state, result } = rotated(aSession());
    expect(result).toHaveProperty('session');
    expect(rotate({ ...request('first'), nextHash: 'third' }, state, at())).toMatchObject({ refusal: 'reused' });
    const next = new UserState({ sessions: state.changedSessions });
    expect(rotate(request('second'), next, at())).toEqual(refuse('revoked'));
  });

  test('no refresh carries a session beyond its absolute life', () => {
    const old = aSession({ createdAt: later(-999_000), expiresAt: later(500) });
    expect(rotated(old).result).toMatchObject({ session: { expiresAt: later(1_000) } });
  });

  test('the session from which the password was changed is ahead of what was read of its account', () => {
    expect(rotated(aSession({ credentialsVersion: 2 })).result).toHaveProperty('session');
  });
});

describe('what an owner does with a session', () => {
  const own = { sessionId: 's1', userId: 'u1' };

  test('ends it for its owner', () => {
    const state = given(aSession());
    expect(end(own, state, at())).toEqual(nothing);
    expect(state.changedSessions).toEqual([aSession({ revokedAt: now })]);
  });

  test('it goes on with a new password', () => {
    const state = given(aSession());
    expect(keep({ ...own, credentialsVersion: 2 }, state, at())).toEqual(nothing);
    expect(state.changedSessions).toEqual([aSession({ credentialsVersion: 2, accountVersion: 2 })]);
  });

  test.each<[string, Session | undefined]>([
    ['there is none', undefined],
    ['it is somebody else’s', aSession({ userId: 'u2' })],
    ['it has ended', aSession({ revokedAt: now })],
    ['it has expired', aSession({ expiresAt: now })],
    ['a new password has ended it', aSession({ accountVersion: 2 })],
  ])('%s', (_what, session) => {
    const state = given(session);
    expect(end(own, state, at())).toEqual(refuse('not-found'));
    expect(keep({ ...own, credentialsVersion: 2 }, state, at())).toEqual(refuse('not-found'));
    expect(state.changedSessions).toEqual([]);
  });
});
