import { sql, type Kysely } from 'kysely';
import type { DueHold } from '../domain/settle-hold.ts';
import type { InventoryTables } from './tables.ts';

const atMost = 1_000;

/** Holds past their deadline by the database's clock, oldest first, a bounded number. */
export function dueHolds(reads: Kysely<InventoryTables>): Promise<DueHold[]> {
  return reads
    .selectFrom('holds')
    .select(['reservation_id as reservationId', 'user_id as userId', 'items'])
    .where('state', '=', 'held')
    .where('expires_at', '<=', sql<Date>`statement_timestamp()`)
    .orderBy('expires_at')
    .limit(atMost)
    .execute();
}
