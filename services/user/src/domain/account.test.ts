import { describe, expect, test } from '@jest/globals';
import { nothing, refuse } from '@flash-sale/shared/messaging/decision.ts';
import { aSession, at, now } from '../testing/builders.ts';
import { changePassword, deleteAccount } from './account.ts';
import { UserState, type Owned } from './state.ts';

const anAccount = (changes: Partial<Owned> = {}): Owned => ({
  id: 'a1',
  passwordHash: 'old',
  credentialsVersion: 3,
  keptSession: null,
  deleted: false,
  ...changes,
});
const change = { userId: 'a1', currentHash: 'old', nextHash: 'new', keptSession: 's1' };
const deletion = { userId: 'a1', currentHash: 'old' };

const given = (account: Owned | undefined, sessions = [aSession({ id: 's1', userId: 'a1' })]) =>
  new UserState({ accounts: account ? [account] : [], sessions });
const changed = (state: UserState) => [...state.changedAccounts.values()];

describe('what the owner may do', () => {
  test('a new password makes a new version, and keeps the session from which it came', () => {
    const account = anAccount({ passwordHash: 'new', credentialsVersion: 4, keptSession: 's1' });
    const state = given(anAccount());
    expect(changePassword(change, state, at())).toEqual(nothing);
    expect(changed(state)).toEqual([{ account, at: now }]);
    expect(state.changedSessions).toMatchObject([{ id: 's1', credentialsVersion: 4, accountVersion: 4 }]);
  });

  test('a new password from a session that has ended changes nothing', () => {
    const state = given(anAccount(), [aSession({ id: 's1', userId: 'a1', revokedAt: now })]);
    expect(changePassword(change, state, at())).toEqual(refuse('session-ended'));
    expect([changed(state), state.changedSessions]).toEqual([[], []]);
  });

  test('a deleted account has no password, no session, and never becomes another’s', () => {
    const account = anAccount({ passwordHash: '', credentialsVersion: 4, keptSession: null, deleted: true });
    const state = given(anAccount({ keptSession: 's1' }));
    expect(deleteAccount(deletion, state, at())).toEqual(nothing);
    expect(changed(state)).toEqual([{ account, at: now }]);
  });

  test.each<[string, Owned | undefined]>([
    ['no account', undefined],
    ['a password that was changed meanwhile', anAccount({ passwordHash: 'another' })],
    ['a deleted account', anAccount({ deleted: true })],
  ])('what was verified is outdated: %s', (_what, account) => {
    const state = given(account);
    expect(changePassword(change, state, at())).toEqual(refuse('outdated'));
    expect(deleteAccount(deletion, state, at())).toEqual(refuse('outdated'));
    expect([changed(state), state.changedSessions]).toEqual([[], []]);
  });

  test('of two changes with one verified password the first wins', () => {
    const state = given(anAccount());
    expect(changePassword(change, state, at())).toEqual(nothing);
    expect(changePassword(change, state, at())).toEqual(refuse('outdated'));
    expect(deleteAccount(deletion, state, at())).toEqual(refuse('outdated'));
  });
});
