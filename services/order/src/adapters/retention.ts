import { sql, type Kysely } from 'kysely';
import { Removal } from '@flash-sale/shared/service/retention.ts';
import type { OrderTables } from './tables.ts';

/** Orders that ended without a payment, and the records of those that were never opened. */
export const unpaidOrders = (db: Kysely<OrderTables>): Removal =>
  new Removal(db as Kysely<never>, {
    table: 'orders',
    id: 'id',
    when: (before) =>
      sql`t.status = 'cancelled' AND t.payment_id IS NULL
          AND (t.expires_at IS NULL OR t.expires_at < ${before.toISOString()})`,
  });
