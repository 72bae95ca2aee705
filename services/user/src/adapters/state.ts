import type { Statement, Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { InputsOf, Work } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { UserCommands } from '../commands.ts';
import type { NewAccount } from '../domain/registration.ts';
import type { Session } from '../domain/session.ts';
import { SessionFamilies, type SessionRow } from './session-families.ts';

/** What one batch works on. */
export interface State {
  takenEmails: Set<string>;
  newAccounts: NewAccount[];
  newSessions: Pick<Session, 'id' | 'userId' | 'tokenHash' | 'expiresAt'>[];
  sessions: SessionFamilies;
}

type Batch = Work<never, InputsOf<UserCommands>>[];

const findEmails: Statement = { name: 'find-emails', text: 'SELECT email FROM account WHERE email = ANY($1::text[])' };
/**
 * The families that presented tokens belong to, as their newest token or a used one. The ids are found first and once:
 * a family that another instance rotates while we wait for its lock must not drop out of the result.
 */
const lockSessions: Statement = {
  name: 'lock-sessions',
  text: `SELECT s.id, s.user_id, a.role, s.token_hash, s.expires_at, s.revoked_at
           FROM session s JOIN account a ON a.id = s.user_id
          WHERE s.id = ANY (ARRAY(SELECT id FROM session WHERE token_hash = ANY($1::text[])
                                  UNION SELECT session_id FROM used_token WHERE token_hash = ANY($1::text[])))
          ORDER BY s.id
            FOR UPDATE OF s`,
};
/** Runs after the locks are held and so sees what others committed while we waited for them. */
const findUsedTokens: Statement = {
  name: 'find-used-tokens',
  text: 'SELECT token_hash, session_id FROM used_token WHERE token_hash = ANY($1::text[])',
};
export const insertAccounts: Statement = {
  name: 'insert-accounts',
  text: `INSERT INTO account (id, email, password_hash, name, role)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])`,
};
const insertSessions: Statement = {
  name: 'insert-sessions',
  text: `INSERT INTO session (id, user_id, token_hash, expires_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])`,
};
const updateSessions: Statement = {
  name: 'update-sessions',
  text: `UPDATE session SET token_hash = n.token_hash, expires_at = n.expires_at, revoked_at = n.revoked_at
           FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS n (id, token_hash, expires_at, revoked_at)
          WHERE session.id = n.id`,
};
const insertUsedTokens: Statement = {
  name: 'insert-used-tokens',
  text: `INSERT INTO used_token (token_hash, session_id, expires_at)
         SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[])`,
};

export const accountColumns = (accounts: NewAccount[]): unknown[] => [
  accounts.map(({ id }) => id),
  accounts.map(({ email }) => email),
  accounts.map(({ passwordHash }) => passwordHash),
  accounts.map(({ name }) => name),
  accounts.map(({ role }) => role),
];

export async function load(tx: Tx, batch: Batch): Promise<State> {
  const emails: string[] = [];
  const presented: string[] = [];
  for (const work of batch) {
    if (work.kind !== 'command') continue;
    if (work.name === 'registerAccount') emails.push(work.input.email);
    if (work.name === 'rotateSession') presented.push(work.input.presentedHash);
  }
  const [taken, sessions, used] = await Promise.all([
    emails.length > 0 ? tx.read<{ email: string }>(findEmails, [emails]) : [],
    presented.length > 0 ? tx.read<SessionRow>(lockSessions, [presented]) : [],
    presented.length > 0 ? tx.read<{ token_hash: string; session_id: string }>(findUsedTokens, [presented]) : [],
  ]);
  return {
    takenEmails: new Set(taken.map(({ email }) => email)),
    newAccounts: [],
    newSessions: [],
    sessions: new SessionFamilies(sessions, used),
  };
}

export function save(tx: Tx, { newAccounts, newSessions, sessions }: State): void {
  if (newAccounts.length > 0) {
    // In the order of the unique index, or two instances with the same addresses wait for each other.
    tx.write(insertAccounts, accountColumns(newAccounts.sort((a, b) => (a.email < b.email ? -1 : 1))));
  }
  if (newSessions.length > 0) {
    tx.write(insertSessions, [
      newSessions.map(({ id }) => id),
      newSessions.map(({ userId }) => userId),
      newSessions.map(({ tokenHash }) => tokenHash),
      newSessions.map(({ expiresAt }) => expiresAt),
    ]);
  }
  const { changed, used } = sessions;
  if (changed.length > 0) {
    tx.write(updateSessions, [
      changed.map(({ id }) => id),
      changed.map(({ tokenHash }) => tokenHash),
      changed.map(({ expiresAt }) => expiresAt),
      changed.map(({ revokedAt }) => revokedAt),
    ]);
  }
  if (used.length > 0) {
    tx.write(insertUsedTokens, [
      used.map(({ tokenHash }) => tokenHash),
      used.map(({ sessionId }) => sessionId),
      used.map(({ expiresAt }) => expiresAt),
    ]);
  }
}
