import { sql, type Kysely } from 'kysely';
import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import type { Reads } from '@flash-sale/shared/db/reads.ts';
import { readsById } from '@flash-sale/shared/db/reads-by-id.ts';
import type { OrderRow, OrderTables } from './tables.ts';

/** What routes read. @throws AppError unavailable */
export function openOrderReads(reads: Reads<OrderTables>) {
  const readOrders = (db: Kysely<OrderTables>, ids: string[]): Promise<OrderRow[]> =>
    db
      .selectFrom('orders')
      .selectAll()
      .where(sql<boolean>`id = any(${ids}::uuid[])`)
      .execute();
  return {
    order: readsById(reads, readOrders, (row) => row),
    /** A shopper's orders after `cursor`, newest first, without those of which only the end is known. */
    async page(
      userId: string,
      limit: number,
      cursor?: string,
    ): Promise<{ orders: OrderRow[]; nextCursor: string | null }> {
      const readPage = (db: Kysely<OrderTables>) => {
        const query = db
          .selectFrom('orders')
          .selectAll()
          .where('items', 'is not', null)
          .where('user_id', '=', userId)
          .orderBy('id', 'desc')
          .limit(limit + 1);
        return (cursor ? query.where('id', '<', cursor) : query).execute();
      };
      const rows = await orUnavailable(reads.ofShopper(userId, readPage));
      const orders = rows.slice(0, limit);
      return { orders, nextCursor: rows.length > limit ? orders.at(-1)!.id : null };
    },
  };
}
export type OrderReads = ReturnType<typeof openOrderReads>;
