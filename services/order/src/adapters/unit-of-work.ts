import type { Statement, Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { UnitOfWork } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { Order } from '../domain/state.ts';
import { OrderState } from '../domain/state.ts';
import { handlers } from '../handlers.ts';
import { orderOf, type OrderRow } from './tables.ts';

const lockOrders: Statement = {
  name: 'lock-orders',
  text: 'SELECT * FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE',
};
const insertOrders: Statement = {
  name: 'insert-orders',
  text: `INSERT INTO orders (id, reservation_id, user_id, status, items, total_cents, currency, expires_at, payment_id, declined_payments)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::bigint[], $7::text[],
                              $8::timestamptz[], $9::uuid[], $10::int[])`,
};
const updateOrders: Statement = {
  name: 'update-orders',
  text: `UPDATE orders o
            SET status = c.status, items = c.items, total_cents = c.total_cents, currency = c.currency,
                expires_at = c.expires_at, payment_id = c.payment_id, declined_payments = c.declined_payments
           FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bigint[], $5::text[], $6::timestamptz[], $7::uuid[], $8::int[])
                c (id, status, items, total_cents, currency, expires_at, payment_id, declined_payments)
          WHERE o.id = c.id`,
};

/** The order service has no commands: only events change orders. */
export type OrderCommands = Record<never, never>;

/** How the order service works on a batch. @param onChange is called for each change of an order, after the commit */
export const orderUnitOfWork = (
  onChange: (order: Order) => void,
): UnitOfWork<OrderState, EventsOf<'order'>, OrderCommands> => ({
  handlers,
  commands: {},
  async load(tx, batch) {
    const ids = new Set(batch.flatMap((work) => (work.kind === 'event' ? [work.event.data.orderId] : [])));
    return new OrderState((await tx.read<OrderRow>(lockOrders, [[...ids].sort()])).map(orderOf));
  },
  save,
  shoppersOf: ({ added, changed }) => [...added, ...changed].map(({ userId }) => userId),
  committed: ({ steps }) => steps.forEach(onChange),
});

function save(tx: Tx, state: OrderState): void {
  const { added, changed } = state;
  if (added.length > 0) {
    tx.write(insertOrders, [
      added.map((o) => o.id),
      added.map((o) => o.reservationId),
      added.map((o) => o.userId),
      ...changingColumns(added),
    ]);
  }
  if (changed.length > 0) tx.write(updateOrders, [changed.map((o) => o.id), ...changingColumns(changed)]);
}

const changingColumns = (orders: Order[]): unknown[] => [
  orders.map((o) => o.status),
  orders.map((o) => (o.details ? JSON.stringify(o.details.items) : null)),
  orders.map((o) => o.details?.totalCents ?? null),
  orders.map((o) => o.details?.currency ?? null),
  orders.map((o) => o.details?.expiresAt ?? null),
  orders.map((o) => o.paymentId),
  orders.map((o) => o.declinedPayments),
];
