import { describe, expect, test } from '@jest/globals';
import { changePassword, deleteAccount, type Owned } from './account.ts';

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

describe('what the owner may do', () => {
  test('a new password makes a new version, and keeps the session from which it came', () => {
    const account = anAccount({ passwordHash: 'new', credentialsVersion: 4, keptSession: 's1' });
    expect(changePassword(anAccount(), change)).toEqual({ outcome: 'changed', account });
  });

  test('a deleted account has no password, no session, and never becomes another’s', () => {
    const account = anAccount({ passwordHash: '', credentialsVersion: 4, keptSession: null, deleted: true });
    expect(deleteAccount(anAccount({ keptSession: 's1' }), deletion)).toEqual({ outcome: 'changed', account });
  });

  test.each<[string, Owned | undefined]>([
    ['no account', undefined],
    ['a password that was changed meanwhile', anAccount({ passwordHash: 'another' })],
    ['a deleted account', anAccount({ deleted: true })],
  ])('what was verified is outdated: %s', (_what, account) => {
    expect(changePassword(account, change)).toEqual({ outcome: 'outdated' });
    expect(deleteAccount(account, deletion)).toEqual({ outcome: 'outdated' });
  });

  test('of two changes with one verified password the first wins', () => {
    const first = changePassword(anAccount(), change);
    if (first.outcome !== 'changed') throw new Error('the first must win');
    expect(changePassword(first.account, change)).toEqual({ outcome: 'outdated' });
    expect(deleteAccount(first.account, deletion)).toEqual({ outcome: 'outdated' });
  });
});
