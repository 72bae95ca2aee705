import { sql, type Kysely } from 'kysely';
import { Removal } from '@flash-sale/shared/service/retention.ts';
import type { PaymentTables } from './tables.ts';

/** Payables of orders that ended unpaid. Payments are kept, declined ones too. */
export const unpaidPayables = (db: Kysely<PaymentTables>): Removal =>
  new Removal(db as Kysely<never>, {
    table: 'payables',
    id: 'order_id',
    when: (before) => sql`t.payment_id IS NULL AND (t.expires_at IS NULL OR t.expires_at < ${before.toISOString()})`,
  });
