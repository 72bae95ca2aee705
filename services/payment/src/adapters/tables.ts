import type { Payable, PayableStatus, Payment, PaymentStatus } from '../domain/state.ts';

export interface PayableRow {
  order_id: string;
  status: PayableStatus;
  amount_cents: number | null;
  currency: string | null;
  expires_at: Date | null;
  payment_id: string | null;
  /** As in Payable. */
  origin: string | null;
}

export interface PaymentRow {
  id: string;
  order_id: string;
  user_id: string;
  idempotency_key: string;
  method_token: string;
  status: PaymentStatus;
  amount_cents: number | null;
  currency: string | null;
  reason: string | null;
}

/** The payment service's tables, as its reads see them. */
export interface PaymentTables {
  payables: PayableRow;
  payments: PaymentRow & { created_at: Date };
}

export const payableOf = (row: PayableRow): Payable => ({
  orderId: row.order_id,
  status: row.status,
  due:
    row.amount_cents !== null && row.currency && row.expires_at
      ? { amountCents: row.amount_cents, currency: row.currency, expiresAt: row.expires_at }
      : null,
  paymentId: row.payment_id,
  origin: row.origin ?? undefined,
});

export const paymentOf = (row: PaymentRow): Payment => ({
  id: row.id,
  orderId: row.order_id,
  userId: row.user_id,
  idempotencyKey: row.idempotency_key,
  methodToken: row.method_token,
  status: row.status,
  amountCents: row.amount_cents,
  currency: row.currency,
  reason: row.reason,
});
