import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

const atMost = 5_000;

/** Removes sessions and used tokens that can only be refused, and would be without them; at most 5,000 of each a call. */
export async function pruneSessions(db: Kysely<Tables>): Promise<{ sessions: number; usedTokens: number }> {
  const used = await sql`
    DELETE FROM used_token WHERE token_hash IN (
      SELECT token_hash FROM used_token WHERE expires_at < now() LIMIT ${atMost} FOR UPDATE SKIP LOCKED)`.execute(db);
  const sessions = await sql`
    DELETE FROM session WHERE id IN (
      SELECT id FROM session WHERE expires_at < now() OR revoked_at < now() LIMIT ${atMost} FOR UPDATE SKIP LOCKED)`.execute(
    db,
  );
  return { sessions: Number(sessions.numAffectedRows ?? 0), usedTokens: Number(used.numAffectedRows ?? 0) };
}
