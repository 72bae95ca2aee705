import { sql, type Kysely } from 'kysely';
import { readsById } from '@flash-sale/shared/db/reads-by-id.ts';
import { cartOf, reservationOf, type CartRow, type ReservationTables } from './tables.ts';

/** What routes read. @throws AppError unavailable */
export function openReservationReads(db: Kysely<ReservationTables>) {
  const readCarts = (ids: string[]): Promise<CartRow[]> =>
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
  const readReservations = (ids: string[]) =>
    db
      .selectFrom('reservations')
      .selectAll()
      .where(sql<boolean>`id = any(${ids}::uuid[])`)
      .execute();
  return {
    cart: readsById(readCarts, cartOf),
    reservation: readsById(readReservations, reservationOf),
  };
}
export type ReservationReads = ReturnType<typeof openReservationReads>;
