import type { Standing } from '../domain/bounds.ts';
import type { Cart, CartLine, PricedLine, Reservation, ReservationStatus, UsedKey } from '../domain/state.ts';

/** The reservation service's tables, as its reads see them. */
export interface ReservationTables {
  carts: { id: string; user_id: string; items: CartLine[]; reservation_id: string | null };
  reservations: ReservationRow;
}

export interface CartRow {
  id: string;
  user_id: string;
  items: CartLine[];
  reservation_id: string | null;
  reservation_status: ReservationStatus | null;
}

export interface ReservationRow {
  id: string;
  order_id: string;
  user_id: string;
  cart_id: string;
  idempotency_key: string;
  status: ReservationStatus;
  cancel_requested: boolean;
  cancelled_at: Date | null;
  items: CartLine[] | PricedLine[];
  total_cents: number | null;
  currency: string | null;
  expires_at: Date | null;
  reason: string | null;
}

/** What the bounds need to know of a shopper who reserves, for each key. */
export interface StandingRow {
  user_id: string;
  key: string;
  open: number;
  left: { orderId: string; reservedAt: string; cancelledAt: string | null; expiresAt: string }[];
  used_cart_id: string | null;
  used_reason: string | null;
}

export const standingOf = (row: StandingRow): Standing & { userId: string } => ({
  userId: row.user_id,
  open: row.open,
  left: row.left.map(({ orderId, reservedAt, cancelledAt, expiresAt }) => ({
    orderId,
    reservedAt: new Date(reservedAt),
    cancelledAt: cancelledAt === null ? null : new Date(cancelledAt),
    expiresAt: new Date(expiresAt),
  })),
});

export const usedKeyOf = (row: StandingRow): UsedKey | undefined =>
  row.used_cart_id === null
    ? undefined
    : {
        userId: row.user_id,
        idempotencyKey: row.key,
        cartId: row.used_cart_id,
        reason: row.used_reason as UsedKey['reason'],
      };

export const cartOf = (row: CartRow): Cart => ({
  id: row.id,
  userId: row.user_id,
  items: row.items,
  reservationId: row.reservation_id,
  reservationStatus: row.reservation_status,
});

export const reservationOf = (row: ReservationRow): Reservation => ({
  id: row.id,
  orderId: row.order_id,
  userId: row.user_id,
  cartId: row.cart_id,
  idempotencyKey: row.idempotency_key,
  status: row.status,
  cancelRequested: row.cancel_requested,
  cancelledAt: row.cancelled_at,
  items: row.items,
  totalCents: row.total_cents,
  currency: row.currency,
  expiresAt: row.expires_at,
  reason: row.reason as Reservation['reason'],
});
