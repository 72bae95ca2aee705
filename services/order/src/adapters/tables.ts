import type { Order, OrderLine, OrderStatus } from '../domain/state.ts';

export interface OrderRow {
  id: string;
  reservation_id: string;
  user_id: string;
  status: OrderStatus;
  items: OrderLine[] | null;
  total_cents: number | null;
  currency: string | null;
  expires_at: Date | null;
  payment_id: string | null;
  declined_payments: number;
  created_at: Date;
}

/** The order service's tables, as its reads see them. */
export interface OrderTables {
  orders: OrderRow;
}

export const orderOf = (row: OrderRow): Order => ({
  id: row.id,
  reservationId: row.reservation_id,
  userId: row.user_id,
  status: row.status,
  details:
    row.items && row.total_cents !== null && row.currency && row.expires_at
      ? {
          items: row.items,
          totalCents: row.total_cents,
          currency: row.currency,
          expiresAt: row.expires_at.toISOString(),
        }
      : null,
  paymentId: row.payment_id,
  declinedPayments: row.declined_payments,
});
