import { sql, type Kysely } from 'kysely';
import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import type { Reads } from '@flash-sale/shared/db/reads.ts';
import { readsById } from '@flash-sale/shared/db/reads-by-id.ts';
import { firstIdOf } from '@flash-sale/shared/ids.ts';
import { cartOf, reservationOf, type CartRow, type ReservationTables } from './tables.ts';

const maxLatest = 5_000;
/** How far the clocks of processes, by which ids are made, may differ from the database's. */
const clocksDifferByMs = 60_000;

/** What routes read. @throws AppError unavailable */
export function openReservationReads(reads: Reads<ReservationTables>) {
  const readCarts = (db: Kysely<ReservationTables>, ids: string[]): Promise<CartRow[]> =>
    db
      .selectFrom('carts')
      .leftJoin('reservations', 'reservations.id', 'carts.reservation_id')
      .select([
        'carts.id',
        'carts.user_id',
        'carts.items',
        'carts.reservation_id',
        'reservations.status as reservation_status',
      ])
      .where(sql<boolean>`carts.id = any(${ids}::uuid[])`)
      .execute();
  const readReservations = (db: Kysely<ReservationTables>, ids: string[]) =>
    db
      .selectFrom('reservations')
      .selectAll()
      .where(sql<boolean>`id = any(${ids}::uuid[])`)
      .execute();
  return {
    cart: readsById(reads, readCarts, cartOf),
    reservation: readsById(reads, readReservations, reservationOf),
    /** The latest orders of these shoppers whose units were held, by shopper. */
    async latestOrders(userIds: string[], withinMs: number): Promise<Record<string, string[]>> {
      const query = reads.primary
        .selectFrom('reservations')
        .select(['user_id', 'order_id'])
        .where(sql<boolean>`user_id = any(${userIds}::uuid[])`)
        .where('id', '>=', firstIdOf(new Date(Date.now() - withinMs - clocksDifferByMs)))
        .where('status', 'in', ['held', 'completed'])
        .where(sql<boolean>`created_at > now() - ${withinMs} * interval '1 millisecond'`)
        .limit(maxLatest);
      const orders: Record<string, string[]> = {};
      for (const { user_id, order_id } of await orUnavailable(query.execute())) (orders[user_id] ??= []).push(order_id);
      return orders;
    },
  };
}
export type ReservationReads = ReturnType<typeof openReservationReads>;
