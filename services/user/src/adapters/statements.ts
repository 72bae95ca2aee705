import type { Statement } from '@flash-sale/shared/db/lane-connection.ts';

/** What the lane sends to the database; unit-of-work.ts says when. */
export const findEmails: Statement = {
  name: 'find-emails',
  text: 'SELECT email FROM account WHERE email = ANY($1::text[])',
};
/**
 * Accounts are locked before sessions, each in the order of their ids, so that batches cannot deadlock. Whatever locks several rows
 * outside the lane must keep to the same order.
 */
export const lockAccounts: Statement = {
  name: 'lock-accounts',
  text: `SELECT id, password_hash, credentials_version, kept_session, deleted_at
           FROM account WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
};
/**
 * The sessions with these ids, and those that the presented tokens belong to, as newest or used tokens. Their ids are looked up
 * once, before locking: a session that another instance rotates while this waits for its lock must not drop out of the result.
 */
export const lockSessions: Statement = {
  name: 'lock-sessions-2',
  text: `SELECT s.id, s.user_id, a.role, s.token_hash, s.created_at, s.refreshed_at, s.expires_at, s.revoked_at,
                s.credentials_version, a.credentials_version AS account_version
           FROM session s JOIN account a ON a.id = s.user_id
          WHERE s.id = ANY ($2::uuid[] || ARRAY(SELECT id FROM session WHERE token_hash = ANY($1::text[])
                                                UNION SELECT session_id FROM used_token WHERE token_hash = ANY($1::text[])))
          ORDER BY s.id
            FOR UPDATE OF s`,
};
/** Runs after the locks are taken, and so sees what others committed before. */
export const findUsedTokens: Statement = {
  name: 'find-used-tokens',
  text: 'SELECT token_hash, session_id FROM used_token WHERE token_hash = ANY($1::text[])',
};
export const insertAccounts: Statement = {
  name: 'insert-accounts',
  text: `INSERT INTO account (id, email, password_hash, name, role)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])`,
};
/** A deleted account keeps only its id, which orders refer to; its address may be registered again. */
export const updateAccounts: Statement = {
  name: 'update-accounts',
  text: `UPDATE account
            SET password_hash = n.password_hash, credentials_version = n.credentials_version, kept_session = n.kept_session,
                credentials_changed_at = n.changed_at, deleted_at = CASE WHEN n.deleted THEN n.changed_at END,
                email = CASE WHEN n.deleted THEN 'deleted:' || account.id ELSE email END,
                name = CASE WHEN n.deleted THEN NULL ELSE name END
           FROM unnest($1::uuid[], $2::text[], $3::int[], $4::uuid[], $5::timestamptz[], $6::bool[])
                AS n (id, password_hash, credentials_version, kept_session, changed_at, deleted)
          WHERE account.id = n.id`,
};
export const insertSessions: Statement = {
  name: 'insert-sessions-2',
  text: `INSERT INTO session (id, user_id, token_hash, created_at, expires_at, credentials_version, user_agent)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::text[])`,
};
export const updateSessions: Statement = {
  name: 'update-sessions-2',
  text: `UPDATE session
            SET token_hash = n.token_hash, refreshed_at = n.refreshed_at, expires_at = n.expires_at, revoked_at = n.revoked_at,
                credentials_version = n.credentials_version
           FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::int[])
                AS n (id, token_hash, refreshed_at, expires_at, revoked_at, credentials_version)
          WHERE session.id = n.id`,
};
export const insertUsedTokens: Statement = {
  name: 'insert-used-tokens',
  text: `INSERT INTO used_token (token_hash, session_id, expires_at)
         SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[])`,
};
