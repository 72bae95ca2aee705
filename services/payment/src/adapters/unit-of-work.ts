import type { Statement, Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { Lane } from '@flash-sale/shared/messaging/lane.ts';
import type { InputsOf, UnitOfWork, Work } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { PaymentState, type Payment } from '../domain/state.ts';
import type { Gateway } from '../gateway.ts';
import { commands, handlers, preparations } from '../handlers.ts';
import { payableOf, paymentOf, type PayableRow, type PaymentRow } from './tables.ts';

export type PaymentCommands = typeof commands;
export type PaymentLane = Lane<PaymentState, EventsOf<'payment'>, PaymentCommands>;
type PaymentWork = Work<EventsOf<'payment'>, InputsOf<PaymentCommands>>;

/** A row for every order of the batch, where a payment and its order meet, whichever arrives first. */
const ensurePayables: Statement = {
  name: 'ensure-payables',
  text: `INSERT INTO payables (order_id, status) SELECT id, 'awaited' FROM unnest($1::uuid[]) id
         ON CONFLICT (order_id) DO NOTHING`,
};
const lockPayables: Statement = {
  name: 'lock-payables',
  text: 'SELECT * FROM payables WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE',
};
/** A payment changes only under the lock of its payable, so its own row needs none. */
const readPayments: Statement = {
  name: 'read-payments',
  text: `SELECT * FROM payments
          WHERE id IN (SELECT unnest($1::uuid[]) UNION SELECT payment_id FROM payables WHERE order_id = ANY($2::uuid[]))`,
};
const readByKeys: Statement = {
  name: 'read-payments-by-keys',
  text: `SELECT p.* FROM unnest($1::uuid[], $2::text[]) k (user_id, key)
           JOIN payments p ON p.user_id = k.user_id AND p.idempotency_key = k.key`,
};
const updatePayables: Statement = {
  name: 'update-payables',
  text: `UPDATE payables p
            SET status = c.status, amount_cents = c.amount_cents, currency = c.currency, expires_at = c.expires_at,
                payment_id = c.payment_id, origin = c.origin
           FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::uuid[], $7::text[])
                c (order_id, status, amount_cents, currency, expires_at, payment_id, origin)
          WHERE p.order_id = c.order_id`,
};
const insertPayments: Statement = {
  name: 'insert-payments',
  text: `INSERT INTO payments (id, order_id, user_id, idempotency_key, method_token, status, amount_cents, currency, reason)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])`,
};
const updatePayments: Statement = {
  name: 'update-payments',
  text: `UPDATE payments p SET status = c.status, amount_cents = c.amount_cents, currency = c.currency, reason = c.reason
           FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[])
                c (id, status, amount_cents, currency, reason)
          WHERE p.id = c.id`,
};

/** How the payment service works on a batch. @param onStatusChange is called after the commit */
export const paymentUnitOfWork = (
  gateway: Gateway,
  onStatusChange: (payment: Payment) => void,
): UnitOfWork<PaymentState, EventsOf<'payment'>, PaymentCommands> => ({
  handlers,
  commands,
  // No money is to be taken for orders that would not be told.
  refusedWhileStalled: ['pay'],
  prepare: preparations(gateway),
  load,
  save,
  shoppersOf: ({ newPayments, changedPayments }) => [...newPayments, ...changedPayments].map(({ userId }) => userId),
  committed: ({ statusChanged }) => statusChanged.forEach(onStatusChange),
});

/** Has the code of a serialization failure, which the lane retries. */
class RowVanished extends Error {
  readonly code = '40001';
}

async function load(tx: Tx, batch: PaymentWork[]): Promise<PaymentState> {
  const orders = new Set<string>();
  const ids = new Set<string>();
  const keys: { userId: string; idempotencyKey: string }[] = [];
  for (const work of batch) {
    const item = work.kind === 'event' ? work.event.data : work.input;
    orders.add(item.orderId);
    if ('paymentId' in item && typeof item.paymentId === 'string') ids.add(item.paymentId);
    if (work.kind === 'command' && work.name === 'pay') keys.push(work.input);
  }
  const orderIds = [...orders].sort();
  tx.write(ensurePayables, [orderIds]);
  const payables = tx.read<PayableRow>(lockPayables, [orderIds]);
  const payments = tx.read<PaymentRow>(readPayments, [[...ids], orderIds]);
  const byKey =
    keys.length > 0
      ? tx.read<PaymentRow>(readByKeys, [keys.map((k) => k.userId), keys.map((k) => k.idempotencyKey)])
      : [];
  const known = new Map([...(await payments), ...(await byKey)].map((row) => [row.id, row]));
  const locked = await payables;
  // A row was found, and removed before it was locked. The retry inserts it again.
  if (locked.length < orderIds.length) throw new RowVanished();
  return new PaymentState({
    payables: locked.map(payableOf),
    payments: [...known.values()].map(paymentOf),
  });
}

function save(tx: Tx, state: PaymentState): void {
  if (state.newPayments.size > 0) {
    // In the order of the unique key, or two batches with the same keys could deadlock.
    const rows = [...state.newPayments].sort(byKeyOrder);
    tx.write(insertPayments, [
      rows.map((p) => p.id),
      rows.map((p) => p.orderId),
      rows.map((p) => p.userId),
      rows.map((p) => p.idempotencyKey),
      rows.map((p) => p.methodToken),
      ...changingColumns(rows),
    ]);
  }
  if (state.changedPayments.size > 0) {
    const rows = [...state.changedPayments];
    tx.write(updatePayments, [rows.map((p) => p.id), ...changingColumns(rows)]);
  }
  if (state.changedPayables.size > 0) {
    const rows = [...state.changedPayables];
    tx.write(updatePayables, [
      rows.map((p) => p.orderId),
      rows.map((p) => p.status),
      rows.map((p) => p.due?.amountCents ?? null),
      rows.map((p) => p.due?.currency ?? null),
      rows.map((p) => p.due?.expiresAt ?? null),
      rows.map((p) => p.paymentId),
      rows.map((p) => p.origin ?? null),
    ]);
  }
}

const changingColumns = (payments: Payment[]): unknown[] => [
  payments.map((p) => p.status),
  payments.map((p) => p.amountCents),
  payments.map((p) => p.currency),
  payments.map((p) => p.reason),
];

const orderOf = (p: Payment) => `${p.userId} ${p.idempotencyKey}`;
const byKeyOrder = (a: Payment, b: Payment) => (orderOf(a) < orderOf(b) ? -1 : 1);
