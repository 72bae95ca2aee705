import type { Statement, Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { EventsOf } from '@flash-sale/shared/events/subscriptions.ts';
import type { InputsOf, UnitOfWork, Work } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { ReservationState, type Reservation } from '../domain/state.ts';
import { commands, handlers } from '../handlers.ts';
import { cartOf, reservationOf, type CartRow, type ReservationRow } from './tables.ts';

type Commands = typeof commands;
type ReservationWork = Work<EventsOf<'reservation'>, InputsOf<Commands>>;

/**
 * The lock is on the cart alone. Where it had to be waited for, the joined status may be missing: the cart then has a
 * reservation that this statement's snapshot does not see, which counts as one under way.
 */
const lockCarts: Statement = {
  name: 'lock-carts',
  text: `SELECT c.id, c.user_id, c.items, c.reservation_id, r.status AS reservation_status
           FROM carts c LEFT JOIN reservations r ON r.id = c.reservation_id
          WHERE c.id = ANY($1::uuid[]) ORDER BY c.id FOR UPDATE OF c`,
};
const lockReservations: Statement = {
  name: 'lock-reservations',
  text: 'SELECT * FROM reservations WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE',
};
const readByKeys: Statement = {
  name: 'read-reservations-by-keys',
  text: `SELECT r.* FROM unnest($1::uuid[], $2::text[]) k (user_id, key)
           JOIN reservations r ON r.user_id = k.user_id AND r.idempotency_key = k.key`,
};
const insertCarts: Statement = {
  name: 'insert-carts',
  text: 'INSERT INTO carts (id, user_id, items) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::jsonb[])',
};
const updateCarts: Statement = {
  name: 'update-carts',
  text: `UPDATE carts SET items = c.items, reservation_id = c.reservation_id
           FROM unnest($1::uuid[], $2::jsonb[], $3::uuid[]) c (id, items, reservation_id) WHERE carts.id = c.id`,
};
const insertReservations: Statement = {
  name: 'insert-reservations',
  text: `INSERT INTO reservations (id, order_id, user_id, cart_id, idempotency_key, status, items)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[])`,
};
const updateReservations: Statement = {
  name: 'update-reservations',
  text: `UPDATE reservations r
            SET status = c.status, cancel_requested = c.cancel_requested, items = c.items, total_cents = c.total_cents,
                currency = c.currency, expires_at = c.expires_at, reason = c.reason
           FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::jsonb[], $5::bigint[], $6::text[], $7::timestamptz[], $8::text[])
                c (id, status, cancel_requested, items, total_cents, currency, expires_at, reason)
          WHERE r.id = c.id`,
};

/** How the reservation service works on a batch. `changed` hears of new statuses after the commit. */
export const reservationUnitOfWork = (
  changed: (reservation: Reservation) => void,
): UnitOfWork<ReservationState, EventsOf<'reservation'>, Commands> => ({
  handlers: handlers(changed),
  commands,
  sheddable: ['reserve'],
  load,
  save,
});

async function load(tx: Tx, batch: ReservationWork[]): Promise<ReservationState> {
  const cartIds = new Set<string>();
  const reservationIds = new Set<string>();
  const keys: { userId: string; idempotencyKey: string }[] = [];
  for (const work of batch) {
    if (work.kind === 'event') reservationIds.add(work.event.data.reservationId);
    else if (work.name === 'cancel') reservationIds.add(work.input.reservationId);
    else if (work.name !== 'createCart') cartIds.add(work.input.cartId);
    if (work.kind === 'command' && work.name === 'reserve') keys.push(work.input);
  }
  const carts = cartIds.size > 0 ? tx.read<CartRow>(lockCarts, [[...cartIds].sort()]) : [];
  const byKey =
    keys.length > 0
      ? tx.read<ReservationRow>(readByKeys, [keys.map((k) => k.userId), keys.map((k) => k.idempotencyKey)])
      : [];
  const byId = reservationIds.size > 0 ? tx.read<ReservationRow>(lockReservations, [[...reservationIds].sort()]) : [];
  const unlocked = (await byKey).filter(({ id }) => !reservationIds.has(id));
  return new ReservationState({
    carts: (await carts).map(cartOf),
    reservations: [...unlocked, ...(await byId)].map(reservationOf),
  });
}

function save(tx: Tx, state: ReservationState): void {
  if (state.newCarts.size > 0) {
    const carts = [...state.newCarts];
    tx.write(insertCarts, [
      carts.map((c) => c.id),
      carts.map((c) => c.userId),
      carts.map((c) => JSON.stringify(c.items)),
    ]);
  }
  if (state.changedCarts.size > 0) {
    const carts = [...state.changedCarts];
    tx.write(updateCarts, [
      carts.map((c) => c.id),
      carts.map((c) => JSON.stringify(c.items)),
      carts.map((c) => c.reservationId),
    ]);
  }
  if (state.newReservations.size > 0) {
    // In the order of the unique key, or two batches with the same keys could wait for each other.
    const rows = [...state.newReservations].sort(byKeyOrder);
    tx.write(insertReservations, [
      rows.map((r) => r.id),
      rows.map((r) => r.orderId),
      rows.map((r) => r.userId),
      rows.map((r) => r.cartId),
      rows.map((r) => r.idempotencyKey),
      rows.map((r) => r.status),
      rows.map((r) => JSON.stringify(r.items)),
    ]);
  }
  if (state.changedReservations.size > 0) {
    const rows = [...state.changedReservations];
    tx.write(updateReservations, [
      rows.map((r) => r.id),
      rows.map((r) => r.status),
      rows.map((r) => r.cancelRequested),
      rows.map((r) => JSON.stringify(r.items)),
      rows.map((r) => r.totalCents),
      rows.map((r) => r.currency),
      rows.map((r) => r.expiresAt),
      rows.map((r) => r.reason),
    ]);
  }
}

const orderOf = (r: Reservation) => `${r.userId} ${r.idempotencyKey}`;
const byKeyOrder = (a: Reservation, b: Reservation) => (orderOf(a) < orderOf(b) ? -1 : 1);
