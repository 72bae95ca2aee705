import { newId } from '@flash-sale/shared/ids.ts';
import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';
import { hashPassword, verifyPassword } from './passwords.ts';

/**
 * Makes sure that the account exists, is an admin and has this password. If another person has registered the address, they lose
 * it: the password is replaced, and all sessions end. Takes locks in the same order as the lane (statements.ts).
 */
export async function ensureAdmin(db: Kysely<Tables>, email: string, password: string): Promise<void> {
  const account = await db
    .selectFrom('account')
    .select(['role', 'password_hash'])
    .where('email', '=', email)
    .executeTakeFirst();
  if (account?.role === 'admin' && (await verifyPassword(password, account.password_hash))) return;
  await sql`
    WITH admin AS (
      INSERT INTO account (id, email, password_hash, role) VALUES (${newId()}, ${email}, ${await hashPassword(password)}, 'admin')
      ON CONFLICT (email) DO UPDATE
        SET role = 'admin', password_hash = excluded.password_hash, credentials_version = account.credentials_version + 1,
            credentials_changed_at = now(), kept_session = NULL
      RETURNING id)
    UPDATE session SET revoked_at = now() WHERE id IN (
      SELECT id FROM session WHERE user_id IN (SELECT id FROM admin) AND revoked_at IS NULL ORDER BY id FOR UPDATE)`.execute(
    db,
  );
}
