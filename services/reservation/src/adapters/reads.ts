import { sql, type Kysely } from 'kysely';
import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import { Batcher } from '@flash-sale/shared/messaging/batcher.ts';
import type { Cart, Reservation } from '../domain/state.ts';
import { cartOf, reservationOf, type CartRow, type ReservationTables } from './tables.ts';

const limits = { maxItems: 256, maxQueued: 20_000 };

/** What routes read: many ids in one query. @throws AppError unavailable */
export function openReservationReads(db: Kysely<ReservationTables>) {
  const carts = new Batcher<string, Cart | undefined>({
    ...limits,
    async flush(ids) {
      const rows: CartRow[] = await orUnavailable(
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
          .execute(),
      );
      const byId = new Map(rows.map((row) => [row.id, cartOf(row)]));
      return ids.map((id) => byId.get(id));
    },
  });
  const reservations = new Batcher<string, Reservation | undefined>({
    ...limits,
    async flush(ids) {
      const rows = await orUnavailable(
        db
          .selectFrom('reservations')
          .selectAll()
          .where(sql<boolean>`id = any(${ids}::uuid[])`)
          .execute(),
      );
      const byId = new Map(rows.map((row) => [row.id, reservationOf(row)]));
      return ids.map((id) => byId.get(id));
    },
  });
  return {
    cart: (id: string) => carts.run(id),
    reservation: (id: string) => reservations.run(id),
  };
}
export type ReservationReads = ReturnType<typeof openReservationReads>;
