import type { Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { Lane } from '@flash-sale/shared/messaging/lane.ts';
import type { InputsOf, UnitOfWork, Work } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { commands, type UserCommands } from '../commands.ts';
import { UserState, type NewAccount, type Owned, type Role, type Session } from '../domain/state.ts';
import * as statements from './statements.ts';

export type UserLane = Lane<UserState, never, UserCommands>;
type Batch = Work<never, InputsOf<UserCommands>>[];

/** How the user service works on a batch. It handles no events. */
export const userUnitOfWork: UnitOfWork<UserState, never, UserCommands> = { handlers: {}, commands, load, save };

interface AccountRow {
  id: string;
  password_hash: string;
  credentials_version: number;
  kept_session: string | null;
  deleted_at: Date | null;
}

interface SessionRow {
  id: string;
  user_id: string;
  role: Role;
  token_hash: string;
  created_at: Date;
  refreshed_at: Date | null;
  expires_at: Date;
  revoked_at: Date | null;
  credentials_version: number;
  account_version: number;
}

export const accountColumns = (accounts: NewAccount[]): unknown[] => [
  accounts.map(({ id }) => id),
  accounts.map(({ email }) => email),
  accounts.map(({ passwordHash }) => passwordHash),
  accounts.map(({ name }) => name),
  accounts.map(({ role }) => role),
];

/** The rows that a batch needs. */
function wantedBy(batch: Batch) {
  const wanted = { emails: [] as string[], tokens: [] as string[], sessions: [] as string[], accounts: [] as string[] };
  for (const work of batch) {
    if (work.kind !== 'command') continue;
    if (work.name === 'registerAccount') wanted.emails.push(work.input.email);
    if (work.name === 'rotateSession') wanted.tokens.push(work.input.presentedHash);
    if (work.name === 'endSession') wanted.sessions.push(work.input.sessionId);
    if (work.name === 'changePassword') wanted.sessions.push(work.input.keptSession);
    if (work.name === 'changePassword' || work.name === 'deleteAccount') wanted.accounts.push(work.input.userId);
  }
  return wanted;
}

async function load(tx: Tx, batch: Batch): Promise<UserState> {
  const { emails, tokens, sessions: ids, accounts: owners } = wantedBy(batch);
  const [taken, locked, sessions, used] = await Promise.all([
    emails.length > 0 ? tx.read<{ email: string }>(statements.findEmails, [emails]) : [],
    owners.length > 0 ? tx.read<AccountRow>(statements.lockAccounts, [owners]) : [],
    tokens.length + ids.length > 0 ? tx.read<SessionRow>(statements.lockSessions, [tokens, ids]) : [],
    tokens.length > 0 ? tx.read<{ token_hash: string; session_id: string }>(statements.findUsedTokens, [tokens]) : [],
  ]);
  return new UserState({
    takenEmails: taken.map(({ email }) => email),
    accounts: locked.map(ownedOf),
    sessions: sessions.map(sessionOf),
    usedTokens: used.map((row) => ({ tokenHash: row.token_hash, sessionId: row.session_id })),
  });
}

const ownedOf = (row: AccountRow): Owned => ({
  id: row.id,
  passwordHash: row.password_hash,
  credentialsVersion: row.credentials_version,
  keptSession: row.kept_session,
  deleted: row.deleted_at !== null,
});

const sessionOf = (row: SessionRow): Session => ({
  id: row.id,
  userId: row.user_id,
  role: row.role,
  tokenHash: row.token_hash,
  createdAt: row.created_at,
  refreshedAt: row.refreshed_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  credentialsVersion: row.credentials_version,
  accountVersion: row.account_version,
});

function save(tx: Tx, state: UserState): void {
  const { newAccounts, newSessions, changedAccounts } = state;
  if (newAccounts.length > 0) {
    // In the order of the unique index, or two instances with the same addresses could deadlock.
    tx.write(statements.insertAccounts, accountColumns(newAccounts.sort((a, b) => (a.email < b.email ? -1 : 1))));
  }
  if (newSessions.length > 0) {
    tx.write(statements.insertSessions, [
      newSessions.map(({ id }) => id),
      newSessions.map(({ userId }) => userId),
      newSessions.map(({ tokenHash }) => tokenHash),
      newSessions.map(({ createdAt }) => createdAt),
      newSessions.map(({ expiresAt }) => expiresAt),
      newSessions.map(({ credentialsVersion }) => credentialsVersion),
      newSessions.map(({ userAgent }) => userAgent),
    ]);
  }
  saveSessions(tx, state);
  if (changedAccounts.size > 0) {
    const changed = [...changedAccounts.values()];
    tx.write(statements.updateAccounts, [
      changed.map(({ account }) => account.id),
      changed.map(({ account }) => account.passwordHash),
      changed.map(({ account }) => account.credentialsVersion),
      changed.map(({ account }) => account.keptSession),
      changed.map(({ at }) => at),
      changed.map(({ account }) => account.deleted),
    ]);
  }
}

function saveSessions(tx: Tx, { changedSessions: changed, usedTokens: used }: UserState): void {
  if (changed.length > 0) {
    tx.write(statements.updateSessions, [
      changed.map(({ id }) => id),
      changed.map(({ tokenHash }) => tokenHash),
      changed.map(({ refreshedAt }) => refreshedAt),
      changed.map(({ expiresAt }) => expiresAt),
      changed.map(({ revokedAt }) => revokedAt),
      changed.map(({ credentialsVersion }) => credentialsVersion),
    ]);
  }
  if (used.length > 0) {
    tx.write(statements.insertUsedTokens, [
      used.map(({ tokenHash }) => tokenHash),
      used.map(({ sessionId }) => sessionId),
      used.map(({ expiresAt }) => expiresAt),
    ]);
  }
}
