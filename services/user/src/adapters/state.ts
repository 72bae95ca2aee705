import type { Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { InputsOf, Work } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { UserCommands } from '../commands.ts';
import type { Owned } from '../domain/account.ts';
import type { NewAccount } from '../domain/registration.ts';
import type { Session } from '../domain/session.ts';
import { SessionFamilies, type SessionRow } from './session-families.ts';
import * as statements from './statements.ts';

export interface NewSession extends Pick<
  Session,
  'id' | 'userId' | 'tokenHash' | 'createdAt' | 'expiresAt' | 'credentialsVersion'
> {
  userAgent: string | null;
}

/** What one batch works on. */
export interface State {
  takenEmails: Set<string>;
  newAccounts: NewAccount[];
  newSessions: NewSession[];
  sessions: SessionFamilies;
  /** The locked accounts, as they are at this moment of the batch. */
  accounts: ReadonlyMap<string, Owned>;
  changedAccounts: ReadonlyMap<string, { account: Owned; at: Date }>;
  changeAccount(account: Owned, at: Date): void;
}

type Batch = Work<never, InputsOf<UserCommands>>[];

interface AccountRow {
  id: string;
  password_hash: string;
  credentials_version: number;
  kept_session: string | null;
  deleted_at: Date | null;
}

export const accountColumns = (accounts: NewAccount[]): unknown[] => [
  accounts.map(({ id }) => id),
  accounts.map(({ email }) => email),
  accounts.map(({ passwordHash }) => passwordHash),
  accounts.map(({ name }) => name),
  accounts.map(({ role }) => role),
];

/** What a batch asks for. */
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

export async function load(tx: Tx, batch: Batch): Promise<State> {
  const { emails, tokens, sessions: ids, accounts: owners } = wantedBy(batch);
  const [taken, locked, sessions, used] = await Promise.all([
    emails.length > 0 ? tx.read<{ email: string }>(statements.findEmails, [emails]) : [],
    owners.length > 0 ? tx.read<AccountRow>(statements.lockAccounts, [owners]) : [],
    tokens.length + ids.length > 0 ? tx.read<SessionRow>(statements.lockSessions, [tokens, ids]) : [],
    tokens.length > 0 ? tx.read<{ token_hash: string; session_id: string }>(statements.findUsedTokens, [tokens]) : [],
  ]);
  const accounts = new Map(locked.map((row) => [row.id, ownedOf(row)]));
  const changedAccounts = new Map<string, { account: Owned; at: Date }>();
  return {
    takenEmails: new Set(taken.map(({ email }) => email)),
    newAccounts: [],
    newSessions: [],
    sessions: new SessionFamilies(sessions, used),
    accounts,
    changedAccounts,
    changeAccount: (account, at) => {
      accounts.set(account.id, account);
      changedAccounts.set(account.id, { account, at });
    },
  };
}

const ownedOf = (row: AccountRow): Owned => ({
  id: row.id,
  passwordHash: row.password_hash,
  credentialsVersion: row.credentials_version,
  keptSession: row.kept_session,
  deleted: row.deleted_at !== null,
});

export function save(tx: Tx, { newAccounts, newSessions, sessions, changedAccounts }: State): void {
  if (newAccounts.length > 0) {
    // In the order of the unique index, or two instances with the same addresses wait for each other.
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
  saveSessions(tx, sessions);
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

function saveSessions(tx: Tx, { changed, used }: SessionFamilies): void {
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
