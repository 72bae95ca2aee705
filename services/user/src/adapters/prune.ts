import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

const atMost = 5_000;

/**
 * Removes sessions and used tokens that would be refused without these rows, too; at most 5,000 of each per call.
 * @param keepEndedS how long an ended session stays, in seconds: as long as its access tokens could be good
 */
export async function pruneSessions(
  db: Kysely<Tables>,
  keepEndedS: number,
): Promise<{ sessions: number; usedTokens: number }> {
  const used = await sql`
    DELETE FROM used_token WHERE token_hash IN (
      SELECT token_hash FROM used_token WHERE expires_at < now() LIMIT ${atMost} FOR UPDATE SKIP LOCKED)`.execute(db);
  const sessions = await sql`
    DELETE FROM session WHERE id IN (
      SELECT id FROM session
       WHERE (expires_at < now() AND revoked_at IS NULL) OR revoked_at < now() - make_interval(secs => ${keepEndedS})
       LIMIT ${atMost} FOR UPDATE SKIP LOCKED)`.execute(db);
  // Ended by a new password or a deletion; this task runs often enough to find them within a day.
  const outdated = await sql`
    DELETE FROM session WHERE id IN (
      SELECT s.id FROM account a JOIN session s ON s.user_id = a.id
       WHERE a.credentials_changed_at > now() - interval '1 day' AND s.credentials_version < a.credentials_version
       LIMIT ${atMost} FOR UPDATE OF s SKIP LOCKED)`.execute(db);
  const removed = [sessions, outdated].reduce((sum, { numAffectedRows }) => sum + Number(numAffectedRows ?? 0), 0);
  return { sessions: removed, usedTokens: Number(used.numAffectedRows ?? 0) };
}
