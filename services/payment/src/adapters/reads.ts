import { sql, type Kysely } from 'kysely';
import type { Reads } from '@flash-sale/shared/db/reads.ts';
import { readsById } from '@flash-sale/shared/db/reads-by-id.ts';
import { paymentOf, type PaymentTables } from './tables.ts';

const atMost = 256;

/** What routes read. @throws AppError unavailable */
export function openPaymentReads(reads: Reads<PaymentTables>) {
  const readPayments = (db: Kysely<PaymentTables>, ids: string[]) =>
    db
      .selectFrom('payments')
      .selectAll()
      .where(sql<boolean>`id = any(${ids}::uuid[])`)
      .execute();
  return {
    payment: readsById(reads, readPayments, paymentOf),
  };
}

/** Payments whose order has not arrived for so long that it never will. */
export const readOrphans = (
  db: Kysely<PaymentTables>,
  olderThanMs: number,
): Promise<{ paymentId: string; orderId: string }[]> =>
  db
    .selectFrom('payments')
    .select(['id as paymentId', 'order_id as orderId'])
    .where('status', '=', 'pending')
    .where('amount_cents', 'is', null)
    .where('created_at', '<', sql<Date>`statement_timestamp() - ${olderThanMs} * interval '1 millisecond'`)
    .limit(atMost)
    .execute();
export type PaymentReads = ReturnType<typeof openPaymentReads>;
