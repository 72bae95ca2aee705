import type { Statement, Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import { maxHoldMs } from '@flash-sale/shared/config.ts';
import { firstIdOf } from '@flash-sale/shared/ids.ts';
import type { Lane } from '@flash-sale/shared/messaging/lane.ts';
import type { InputsOf, UnitOfWork, Work } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { minPercent, leftCountsForMs, type Bounds } from '../domain/bounds.ts';
import { ReservationState, type Reservation } from '../domain/state.ts';
import { commands, handlers, type ReservationCommands } from '../handlers.ts';
import {
  cartOf,
  reservationOf,
  standingOf,
  usedKeyOf,
  type CartRow,
  type ReservationRow,
  type StandingRow,
} from './tables.ts';

export type ReservationLane = Lane<ReservationState, EventsOf<'reservation'>, ReservationCommands>;
type ReservationWork = Work<EventsOf<'reservation'>, InputsOf<ReservationCommands>>;

/**
 * Locks only the cart. After waiting for the lock, the joined status may be missing: the cart then has a reservation newer than
 * this statement's snapshot, which counts as pending.
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
/**
 * Held until the commit by whichever instance reserves for a shopper, so that what is counted after it stays true. Taken in the
 * order of the shoppers' ids, after the carts and before everything else.
 */
const lockShoppers: Statement = {
  name: 'lock-shoppers',
  text: 'SELECT pg_advisory_xact_lock(hashtextextended(id::text, 0)) FROM unnest($1::uuid[]) id',
};
const readByKeys: Statement = {
  name: 'read-reservations-by-keys',
  text: `SELECT r.* FROM unnest($1::uuid[], $2::text[]) k (user_id, key)
           JOIN reservations r ON r.user_id = k.user_id AND r.idempotency_key = k.key`,
};
/** Older rows are not read: none of them is held, or counts as abandoned. */
const latestOfShopper = '(SELECT * FROM reservations WHERE user_id = k.user_id AND id >= $5::uuid)';
/** Counts no further than the bounds, to limit its cost. After `readByKeys`, or a key that is being moved could be missed. */
const readStandings: Statement = {
  name: 'read-standings',
  text: `SELECT k.user_id, k.key, u.cart_id AS used_cart_id, u.reason AS used_reason,
                (SELECT count(*)
                   FROM (SELECT FROM ${latestOfShopper} r WHERE r.status IN ('pending', 'held') LIMIT $3) o) AS open,
                (SELECT coalesce(json_agg(l), '[]')
                   FROM (SELECT r.order_id AS "orderId", r.created_at AS "reservedAt", r.cancelled_at AS "cancelledAt",
                                r.expires_at AS "expiresAt" FROM ${latestOfShopper} r
                          WHERE r.status = 'released'
                            AND (r.reason = 'expired' OR r.cancelled_at IS NOT NULL)
                            AND r.expires_at > clock_timestamp() - interval '${leftCountsForMs} ms'
                          ORDER BY r.expires_at DESC LIMIT $4) l) AS "left"
           FROM unnest($1::uuid[], $2::text[]) k (user_id, key)
           LEFT JOIN used_keys u ON u.user_id = k.user_id AND u.idempotency_key = k.key`,
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
                currency = c.currency, expires_at = c.expires_at, reason = c.reason, cancelled_at = c.cancelled_at
           FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::jsonb[], $5::bigint[], $6::text[], $7::timestamptz[], $8::text[],
                       $9::timestamptz[])
                c (id, status, cancel_requested, items, total_cents, currency, expires_at, reason, cancelled_at)
          WHERE r.id = c.id`,
};

/** With this many abandoned holds the bound is reached, however little each counts. */
const maxLeft = (leftMax: number) => Math.ceil((leftMax * 100) / minPercent);

/** The least id of a reservation that may be open, or count as abandoned. */
const oldestLookedAt = () => firstIdOf(new Date(Date.now() - maxHoldMs - leftCountsForMs));

/** How the reservation service works on a batch. @param onStatusChange is called after the commit */
export const reservationUnitOfWork = (
  bounds: Bounds,
  onStatusChange: (reservation: Reservation) => void,
): UnitOfWork<ReservationState, EventsOf<'reservation'>, ReservationCommands> => ({
  handlers,
  commands: commands(bounds),
  sheddable: ['reserve'],
  load: (tx, batch) => load(tx, batch, bounds),
  save,
  shoppersOf: ({ newCarts, changedCarts, newReservations, changedReservations }) =>
    [newCarts, changedCarts, newReservations, changedReservations].flatMap((rows) =>
      [...rows].map(({ userId }) => userId),
    ),
  committed: ({ statusChanged }) => statusChanged.forEach(onStatusChange),
});

async function load(tx: Tx, batch: ReservationWork[], { openMax, leftMax }: Bounds): Promise<ReservationState> {
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
  if (keys.length > 0 && openMax > 0) void tx.read(lockShoppers, [[...new Set(keys.map((k) => k.userId))].sort()]);
  const keyColumns = [keys.map((k) => k.userId), keys.map((k) => k.idempotencyKey)];
  const byKey = keys.length > 0 ? tx.read<ReservationRow>(readByKeys, keyColumns) : [];
  const standings =
    keys.length > 0
      ? tx.read<StandingRow>(readStandings, [...keyColumns, openMax, maxLeft(leftMax), oldestLookedAt()])
      : [];
  const byId = reservationIds.size > 0 ? tx.read<ReservationRow>(lockReservations, [[...reservationIds].sort()]) : [];
  const unlocked = (await byKey).filter(({ id }) => !reservationIds.has(id));
  return new ReservationState({
    carts: (await carts).map(cartOf),
    reservations: [...unlocked, ...(await byId)].map(reservationOf),
    standings: (await standings).map(standingOf),
    usedKeys: (await standings).flatMap((row) => usedKeyOf(row) ?? []),
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
    // In the order of the unique key, or two batches with the same keys could deadlock.
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
      rows.map((r) => r.cancelledAt),
    ]);
  }
}

const orderOf = (r: Reservation) => `${r.userId} ${r.idempotencyKey}`;
const byKeyOrder = (a: Reservation, b: Reservation) => (orderOf(a) < orderOf(b) ? -1 : 1);
