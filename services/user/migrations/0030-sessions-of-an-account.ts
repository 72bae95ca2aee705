import { buildIndex } from '@flash-sale/shared/db/build-index.ts';
import { sql, type Migration } from 'kysely';

/** What an account's owner may do with its sessions: see them, end them, change the password, delete the account. */
export const sessionsOfAnAccount: Migration = {
  async up(db) {
    // The release before knows none of these columns: for what it inserts the defaults must be right.
    await sql`
      ALTER TABLE account
        ADD COLUMN IF NOT EXISTS credentials_version integer NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS credentials_changed_at timestamptz,
        ADD COLUMN IF NOT EXISTS kept_session uuid,
        ADD COLUMN IF NOT EXISTS deleted_at timestamptz`.execute(db);
    await sql`
      ALTER TABLE session
        ADD COLUMN IF NOT EXISTS created_at timestamptz NOT NULL DEFAULT now(),
        ADD COLUMN IF NOT EXISTS refreshed_at timestamptz,
        ADD COLUMN IF NOT EXISTS credentials_version integer NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS user_agent text`.execute(db);
    await buildIndex(db, 'session_of_user', 'session (user_id)');
    await buildIndex(
      db,
      'account_changed',
      'account (credentials_changed_at) WHERE credentials_changed_at IS NOT NULL',
    );
  },
};
