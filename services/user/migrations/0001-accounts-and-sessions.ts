import { createMessagingTables } from '@flash-sale/shared/messaging/housekeeping.ts';
import { sql, type Migration } from 'kysely';

export const accountsAndSessions: Migration = {
  async up(db) {
    await createMessagingTables(db);
    // Byte order is enough to tell addresses apart, and compares several times faster than a locale.
    await sql`
      CREATE TABLE IF NOT EXISTS account (
        id uuid PRIMARY KEY,
        email text COLLATE "C" NOT NULL UNIQUE CHECK (email = lower(email)),
        password_hash text NOT NULL,
        name text,
        role text NOT NULL CHECK (role IN ('shopper', 'admin')),
        created_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db);
    // One row is one family of refresh tokens. No foreign key to account: accounts are never removed, and the check
    // would lock, and so rewrite, the account's row at each log-in.
    await sql`
      CREATE TABLE IF NOT EXISTS session (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        token_hash text COLLATE "C" NOT NULL UNIQUE,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
      )`.execute(db);
    await sql`CREATE INDEX IF NOT EXISTS session_expiry ON session (expires_at)`.execute(db);
    await sql`CREATE INDEX IF NOT EXISTS session_revoked ON session (revoked_at) WHERE revoked_at IS NOT NULL`.execute(
      db,
    );
    // Kept until the token would have expired: a use after that is refused as any expired token is.
    await sql`
      CREATE TABLE IF NOT EXISTS used_token (
        token_hash text COLLATE "C" PRIMARY KEY,
        session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
        expires_at timestamptz NOT NULL
      )`.execute(db);
    await sql`CREATE INDEX IF NOT EXISTS used_token_session ON used_token (session_id)`.execute(db);
    await sql`CREATE INDEX IF NOT EXISTS used_token_expiry ON used_token (expires_at)`.execute(db);
  },
};
