import { sql, type Kysely } from 'kysely';
import { Removal } from '@flash-sale/shared/service/retention.ts';
import type { ReservationTables } from './tables.ts';

const keysAtOnce = 5_000;

/** Rejected and released reservations, each with its cart; then carts that were never reserved. */
export const removals = (db: Kysely<ReservationTables>): Removal[] => [
  new Removal(db as Kysely<never>, {
    table: 'reservations',
    id: 'id',
    when: (before) =>
      sql`t.status IN ('rejected', 'released') AND (t.expires_at IS NULL OR t.expires_at < ${before.toISOString()})`,
    // A cart whose reservation is missing would count as reserved for ever, so both are removed or neither.
    locks: sql`
      own AS MATERIALIZED (
        SELECT c.id FROM reservations r JOIN carts c ON c.id = r.cart_id AND c.reservation_id = r.id
         WHERE r.id IN (SELECT due.id FROM due) FOR UPDATE OF c SKIP LOCKED)`,
    and: sql`
      NOT EXISTS (SELECT FROM carts c WHERE c.id = t.cart_id AND c.reservation_id = t.id
                                        AND c.id NOT IN (SELECT own.id FROM own))`,
    also: sql`
      carts_too AS (DELETE FROM carts c USING gone WHERE c.id = gone.cart_id AND c.reservation_id = gone.id),
      keys AS (INSERT INTO used_keys (user_id, idempotency_key, cart_id, reason)
               SELECT user_id, idempotency_key, cart_id, reason FROM gone ON CONFLICT DO NOTHING)`,
  }),
  new Removal(db as Kysely<never>, { table: 'carts', id: 'id', when: () => sql`t.reservation_id IS NULL` }),
];

/** Deletes keys whose reservation was removed longer ago than this. */
export async function pruneUsedKeys(db: Kysely<ReservationTables>, keptForMs: number): Promise<void> {
  await sql`
    DELETE FROM used_keys WHERE (user_id, idempotency_key) IN (
      SELECT user_id, idempotency_key FROM used_keys
       WHERE removed_at < now() - ${keptForMs} * interval '1 ms' LIMIT ${keysAtOnce} FOR UPDATE SKIP LOCKED)`.execute(
    db,
  );
}
