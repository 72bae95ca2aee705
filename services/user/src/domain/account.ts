/**
 * What proves that somebody owns an account. The version rises with each change: sessions and tokens that were born from
 * an earlier one have ended, but for the session from which the password was changed.
 */
export interface Owned {
  id: string;
  passwordHash: string;
  credentialsVersion: number;
  keptSession: string | null;
  deleted: boolean;
}

export interface PasswordChange {
  userId: string;
  /** As it was when the current password was verified against it. */
  currentHash: string;
  nextHash: string;
  keptSession: string;
}

export interface Deletion {
  userId: string;
  currentHash: string;
}

export type Changed =
  | { outcome: 'changed'; account: Owned }
  /** The password was changed or the account deleted since it was verified. */
  | { outcome: 'outdated' };

export function changePassword(account: Owned | undefined, change: PasswordChange): Changed {
  if (!isCurrent(account, change.currentHash)) return { outcome: 'outdated' };
  const { nextHash: passwordHash, keptSession } = change;
  const credentialsVersion = account.credentialsVersion + 1;
  return { outcome: 'changed', account: { ...account, passwordHash, keptSession, credentialsVersion } };
}

/** What remains is the id, which orders go on to name. */
export function deleteAccount(account: Owned | undefined, { currentHash }: Deletion): Changed {
  if (!isCurrent(account, currentHash)) return { outcome: 'outdated' };
  const credentialsVersion = account.credentialsVersion + 1;
  return {
    outcome: 'changed',
    account: { ...account, passwordHash: '', keptSession: null, credentialsVersion, deleted: true },
  };
}

const isCurrent = (account: Owned | undefined, verifiedHash: string): account is Owned =>
  account !== undefined && !account.deleted && account.passwordHash === verifiedHash;
