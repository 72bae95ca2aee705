import type { Command } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { State } from './adapters/state.ts';
import { changePassword, deleteAccount, type Deletion, type PasswordChange } from './domain/account.ts';
import { register, type NewAccount, type Registration } from './domain/registration.ts';
import {
  end,
  expiryOf,
  keep,
  rotate,
  type Lifetime,
  type Refusal,
  type RotationRequest,
  type Session,
} from './domain/session.ts';

export interface OpenSession extends Pick<Session, 'id' | 'userId' | 'tokenHash' | 'credentialsVersion'> {
  lifetime: Lifetime;
  userAgent: string | null;
}

export type Rotated =
  { outcome: 'rotated'; session: Session } | { outcome: 'refused'; reason: Refusal; sessionId?: string };

const registerAccount: Command<State, NewAccount, Registration> = (account, state) => {
  const decision = register(account, state.takenEmails);
  if (decision.outcome === 'registered') state.newAccounts.push(account);
  return decision;
};

/** Nothing is checked: if the password was changed meanwhile, the session has ended by its version. */
const openSession: Command<State, OpenSession, void> = ({ lifetime, ...session }, state, { now }) => {
  state.newSessions.push({ ...session, createdAt: now, expiresAt: expiryOf(now, now, lifetime) });
};

const rotateSession: Command<State, RotationRequest, Rotated> = (request, state, { now }) => {
  const decision = rotate(state.sessions.ofToken(request.presentedHash), request, now);
  if (decision.outcome === 'rotated') {
    const { session, used } = decision;
    state.sessions.change(session, used);
    return { outcome: 'rotated', session };
  }
  // A value, not an exception: the revocation is committed although the client hears 401.
  if (decision.reason === 'reused') {
    state.sessions.change(decision.session);
    return { outcome: 'refused', reason: 'reused', sessionId: decision.session.id };
  }
  return decision;
};

const endSession: Command<State, { userId: string; sessionId: string }, boolean> = (request, state, { now }) => {
  const ended = end(state.sessions.ofId(request.sessionId), request.userId, now);
  if (ended) state.sessions.change(ended);
  return ended !== undefined;
};

const changeOfPassword: Command<State, PasswordChange, 'changed' | 'outdated' | 'session-ended'> = (
  change,
  state,
  { now },
) => {
  const decision = changePassword(state.accounts.get(change.userId), change);
  if (decision.outcome === 'outdated') return 'outdated';
  const session = state.sessions.ofId(change.keptSession);
  const kept = keep(session, change.userId, decision.account.credentialsVersion, now);
  if (!kept) return 'session-ended';
  state.sessions.change(kept);
  state.changeAccount(decision.account, now);
  return 'changed';
};

const deletionOfAccount: Command<State, Deletion, 'changed' | 'outdated'> = (deletion, state, { now }) => {
  const decision = deleteAccount(state.accounts.get(deletion.userId), deletion);
  if (decision.outcome === 'changed') state.changeAccount(decision.account, now);
  return decision.outcome;
};

/** The whole table of what changes this service's database. */
export const commands = {
  registerAccount,
  openSession,
  rotateSession,
  endSession,
  changePassword: changeOfPassword,
  deleteAccount: deletionOfAccount,
};
export type UserCommands = typeof commands;
