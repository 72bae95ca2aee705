import type { EventData } from '@flash-sale/contract/events/schemas.ts';
import { nothing, refuse, type Context, type Refused, type Result } from '@flash-sale/shared/messaging/decision.ts';
import { boundRefusal, type BoundRefusal, type Bounds } from './bounds.ts';
import { isOpen } from './cart.ts';
import { mayBecome, type Reservation, type ReservationState, type ReservationStatus } from './state.ts';

export type ReserveResult =
  | (Result & { reservation: Reservation; repeated: boolean })
  | Refused<'not-found' | 'cart-empty' | 'cart-reserved' | 'idempotency-key-reused'>
  | BoundRefusal
  /** The key made a reservation that has ended and was removed. */
  | (Refused<'removed'> & { reason: Reservation['reason'] });

export interface ReserveInput {
  reservationId: string;
  orderId: string;
  userId: string;
  cartId: string;
  idempotencyKey: string;
  /** Orders whose payment was attempted: their holds count less, whatever became of them. */
  triedOrders?: string[];
}

/** Asks the inventory to hold what is in a cart. A repeat of the key returns the same reservation. */
export function reserve(
  input: ReserveInput,
  state: ReservationState,
  { bounds }: Context & { bounds: Bounds },
): ReserveResult {
  const { reservationId: id, orderId, userId, cartId, idempotencyKey } = input;
  const earlier = state.reservationByKey(userId, idempotencyKey);
  if (earlier && earlier.cartId !== cartId) return refuse('idempotency-key-reused');
  if (earlier) return { reservation: earlier, repeated: true, events: [] };
  const used = state.usedKey(userId, idempotencyKey);
  if (used && used.cartId !== cartId) return refuse('idempotency-key-reused');
  if (used) return { ...refuse('removed'), reason: used.reason };
  const cart = state.cartOf(cartId, userId);
  if (!cart) return refuse('not-found');
  if (!isOpen(cart)) return refuse('cart-reserved');
  if (cart.items.length === 0) return refuse('cart-empty');
  const bound = boundRefusal(state.standingOf(userId), input.triedOrders ?? [], bounds);
  if (bound) return bound;
  const items = cart.items.map((line) => ({ ...line }));
  const reservation: Reservation = {
    id,
    orderId,
    userId,
    cartId,
    idempotencyKey,
    status: 'pending',
    cancelRequested: false,
    cancelledAt: null,
    items,
    totalCents: null,
    currency: null,
    expiresAt: null,
    reason: null,
  };
  state.addReservation(reservation);
  cart.reservationId = id;
  cart.reservationStatus = 'pending';
  state.changedCart(cart);
  const data = { reservationId: id, orderId, userId, items };
  return { reservation, repeated: false, events: [{ type: 'reservation.requested', data }] };
}

export type CancelResult = (Result & { reservation: Reservation }) | Refused<'not-found' | 'reservation-completed'>;

/** Asks the inventory to release the units. It decides whether that comes in time; until then the status stays. */
export function cancel(
  input: { reservationId: string; userId: string },
  state: ReservationState,
  { now }: Context,
): CancelResult {
  const reservation = state.reservation(input.reservationId);
  if (reservation?.userId !== input.userId) return refuse('not-found');
  if (reservation.status === 'completed') return refuse('reservation-completed');
  if (!mayBecome(reservation.status, 'released') || reservation.cancelRequested) return { reservation, events: [] };
  reservation.cancelRequested = true;
  reservation.cancelledAt = now;
  state.changedReservation(reservation);
  const { id: reservationId, orderId, userId } = reservation;
  const items = reservation.items.map(({ productId, quantity }) => ({ productId, quantity }));
  return { reservation, events: [{ type: 'reservation.cancelled', data: { reservationId, orderId, userId, items } }] };
}

export type StockEvent = { [T in StockEventType]: { type: T; data: EventData<T> } }[StockEventType];
type StockEventType = 'stock.held' | 'stock.refused' | 'stock.released' | 'stock.committed';

const statusAfter: Record<StockEventType, ReservationStatus> = {
  'stock.held': 'held',
  'stock.refused': 'rejected',
  'stock.released': 'released',
  'stock.committed': 'completed',
};

/**
 * Applies what the inventory has decided. An event that a later one has overtaken changes no status; prices are kept whenever
 * they arrive.
 * @throws when there never was such a reservation: a bug
 */
export function applyStockEvent(event: StockEvent, state: ReservationState, context: Context): Result {
  const { reservationId } = event.data;
  const reservation = state.reservation(reservationId);
  // It has ended and was removed.
  if (!reservation && context.isForgotten(reservationId)) return nothing;
  if (!reservation) throw new Error(`${event.type} for reservation ${reservationId}, which nobody made`);
  if (event.type === 'stock.held') {
    const { items, totalCents, currency, expiresAt } = event.data;
    Object.assign(reservation, { items, totalCents, currency, expiresAt: new Date(expiresAt) });
    state.changedReservation(reservation);
  }
  const next = statusAfter[event.type];
  if (!mayBecome(reservation.status, next)) return nothing;
  if (event.type === 'stock.refused' || event.type === 'stock.released') reservation.reason = event.data.reason;
  state.moveReservation(reservation, next);
  return nothing;
}
