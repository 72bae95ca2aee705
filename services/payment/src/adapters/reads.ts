import { sql, type Kysely } from 'kysely';
import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import type { Payment } from '../domain/state.ts';
import { paymentOf, type PaymentTables } from './tables.ts';

const atMost = 256;

/** What routes and tasks read. @throws AppError unavailable */
export function openPaymentReads(db: Kysely<PaymentTables>) {
  return {
    payment: async (id: string): Promise<Payment | undefined> => {
      const row = await orUnavailable(db.selectFrom('payments').selectAll().where('id', '=', id).executeTakeFirst());
      return row && paymentOf(row);
    },
    /** Payments whose order has not come for so long that it never will. */
    orphans: (olderThanMs: number): Promise<{ paymentId: string; orderId: string }[]> =>
      db
        .selectFrom('payments')
        .select(['id as paymentId', 'order_id as orderId'])
        .where('status', '=', 'pending')
        .where('amount_cents', 'is', null)
        .where('created_at', '<', sql<Date>`statement_timestamp() - ${olderThanMs} * interval '1 millisecond'`)
        .limit(atMost)
        .execute(),
  };
}
export type PaymentReads = ReturnType<typeof openPaymentReads>;
