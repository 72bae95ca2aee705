import type { Cart, CartLine, PricedLine, Reservation, ReservationStatus } from '../domain/state.ts';

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
  items: CartLine[] | PricedLine[];
  total_cents: number | null;
  currency: string | null;
  expires_at: Date | null;
  reason: string | null;
}

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
  items: row.items,
  totalCents: row.total_cents,
  currency: row.currency,
  expiresAt: row.expires_at,
  reason: row.reason as Reservation['reason'],
});
