import { sql, type Migration } from 'kysely';

/** What an account's owner may do with its sessions: see them, end them, change the password, delete the account. */
export const sessionsOfAnAccount: Migration = {
  async up(db) {
    // The release before knows none of these columns: for what it inserts the defaults must be right.
    await sql`
      ALTER TABLE account
        ADD COLUMN credentials_version integer NOT NULL DEFAULT 0,
        ADD COLUMN credentials_changed_at timestamptz,
        ADD COLUMN kept_session uuid,
        ADD COLUMN deleted_at timestamptz`.execute(db);
    await sql`
      ALTER TABLE session
        ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
        ADD COLUMN refreshed_at timestamptz,
        ADD COLUMN credentials_version integer NOT NULL DEFAULT 0,
        ADD COLUMN user_agent text`.execute(db);
    await sql`CREATE INDEX session_of_user ON session (user_id)`.execute(db);
    await sql`
      CREATE INDEX account_changed ON account (credentials_changed_at)
        WHERE credentials_changed_at IS NOT NULL`.execute(db);
  },
};
