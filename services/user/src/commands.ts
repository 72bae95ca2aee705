import type { Command } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { State } from './adapters/state.ts';
import { register, type NewAccount, type Registration } from './domain/registration.ts';
import { rotate, type Refusal, type Role, type RotationRequest } from './domain/session.ts';

export interface OpenSession {
  id: string;
  userId: string;
  tokenHash: string;
  ttlMs: number;
}

export type Rotated =
  { outcome: 'rotated'; userId: string; role: Role } | { outcome: 'refused'; reason: Refusal; sessionId?: string };

const registerAccount: Command<State, NewAccount, Registration> = (account, state) => {
  const decision = register(account, state.takenEmails);
  if (decision.outcome === 'registered') state.newAccounts.push(account);
  return decision;
};

const openSession: Command<State, OpenSession, void> = ({ id, userId, tokenHash, ttlMs }, state, { now }) => {
  state.newSessions.push({ id, userId, tokenHash, expiresAt: new Date(now.getTime() + ttlMs) });
};

const rotateSession: Command<State, RotationRequest, Rotated> = (request, state, { now }) => {
  const decision = rotate(state.sessions.ofToken(request.presentedHash), request, now);
  if (decision.outcome === 'rotated') {
    const { session, used } = decision;
    state.sessions.change(session, used);
    return { outcome: 'rotated', userId: session.userId, role: session.role };
  }
  // A value, not an exception: the revocation is committed although the client hears 401.
  if (decision.reason === 'reused') {
    state.sessions.change(decision.session);
    return { outcome: 'refused', reason: 'reused', sessionId: decision.session.id };
  }
  return decision;
};

/** The whole table of what changes this service's database. */
export const commands = { registerAccount, openSession, rotateSession };
export type UserCommands = typeof commands;
