import { nothing, refuse, type Context, type Refused, type Result } from '@flash-sale/shared/messaging/decision.ts';
import { keep } from './session.ts';
import type { Owned, UserState } from './state.ts';

export interface PasswordChange {
  userId: string;
  /** The stored hash against which the current password was verified. */
  currentHash: string;
  nextHash: string;
  keptSession: string;
}

export interface Deletion {
  userId: string;
  currentHash: string;
}

/** `outdated`: the password was changed or the account deleted since it was verified. */
export type PasswordChanged = Result | Refused<'outdated' | 'session-ended'>;

export function changePassword(change: PasswordChange, state: UserState, context: Context): PasswordChanged {
  const account = state.account(change.userId);
  if (!isCurrent(account, change.currentHash)) return refuse('outdated');
  const credentialsVersion = account.credentialsVersion + 1;
  const { userId, nextHash: passwordHash, keptSession } = change;
  if ('refusal' in keep({ sessionId: keptSession, userId, credentialsVersion }, state, context))
    return refuse('session-ended');
  state.changeAccount({ ...account, passwordHash, keptSession, credentialsVersion }, context.now);
  return nothing;
}

/** Only the id remains, which orders refer to. */
export function deleteAccount(deletion: Deletion, state: UserState, { now }: Context): Result | Refused<'outdated'> {
  const account = state.account(deletion.userId);
  if (!isCurrent(account, deletion.currentHash)) return refuse('outdated');
  const credentialsVersion = account.credentialsVersion + 1;
  state.changeAccount({ ...account, passwordHash: '', keptSession: null, credentialsVersion, deleted: true }, now);
  return nothing;
}

const isCurrent = (account: Owned | undefined, verifiedHash: string): account is Owned =>
  account !== undefined && !account.deleted && account.passwordHash === verifiedHash;
