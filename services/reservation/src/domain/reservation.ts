import type { EventData, NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { boundRefusal, unbounded, type BoundRefusal, type Bounds } from './bounds.ts';
import { isOpen } from './cart.ts';
import { mayBecome, type Reservation, type ReservationState, type ReservationStatus } from './state.ts';

export type ReserveResult =
  | { reservation: Reservation; repeated: boolean }
  | { refusal: 'not-found' | 'cart-empty' | 'cart-reserved' | 'idempotency-key-reused' }
  | BoundRefusal
  /** The key made a reservation that has ended and was removed. */
  | { refusal: 'removed'; reason: Reservation['reason'] };

export interface ReserveInput {
  reservationId: string;
  orderId: string;
  userId: string;
  cartId: string;
  idempotencyKey: string;
  /** Orders whose payment was tried: their holds count less, whatever became of them. */
  triedOrders?: string[];
}

/** Asks the inventory for what is in a cart. The same key again answers with the reservation that it made. */
export function reserve(
  input: ReserveInput,
  state: ReservationState,
  emit: (event: NewEvent) => void,
  bounds: Bounds = unbounded,
): ReserveResult {
  const { reservationId: id, orderId, userId, cartId, idempotencyKey } = input;
  const earlier = state.reservationByKey(userId, idempotencyKey);
  if (earlier)
    return earlier.cartId === cartId ? { reservation: earlier, repeated: true } : { refusal: 'idempotency-key-reused' };
  const used = state.usedKey(userId, idempotencyKey);
  if (used)
    return used.cartId === cartId ? { refusal: 'removed', reason: used.reason } : { refusal: 'idempotency-key-reused' };
  const cart = state.cartOf(cartId, userId);
  if (!cart) return { refusal: 'not-found' };
  if (!isOpen(cart)) return { refusal: 'cart-reserved' };
  if (cart.items.length === 0) return { refusal: 'cart-empty' };
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
  emit({ type: 'reservation.requested', data: { reservationId: id, orderId, userId, items } });
  return { reservation, repeated: false };
}

export type CancelResult = { reservation: Reservation } | { refusal: 'not-found' | 'reservation-completed' };

/** Gives the units back. The inventory decides whether it comes in time: until it has, the status stays as it is. */
export function cancel(
  input: { reservationId: string; userId: string },
  state: ReservationState,
  now: Date,
  emit: (event: NewEvent) => void,
): CancelResult {
  const reservation = state.reservation(input.reservationId);
  if (reservation?.userId !== input.userId) return { refusal: 'not-found' };
  if (reservation.status === 'completed') return { refusal: 'reservation-completed' };
  if (mayBecome(reservation.status, 'released') && !reservation.cancelRequested) {
    reservation.cancelRequested = true;
    reservation.cancelledAt = now;
    state.changedReservation(reservation);
    const items = reservation.items.map(({ productId, quantity }) => ({ productId, quantity }));
    emit({
      type: 'reservation.cancelled',
      data: { reservationId: reservation.id, orderId: reservation.orderId, userId: reservation.userId, items },
    });
  }
  return { reservation };
}

type StockEvent = { [T in StockEventType]: { type: T; data: EventData<T> } }[StockEventType];
type StockEventType = 'stock.held' | 'stock.refused' | 'stock.released' | 'stock.committed';

const statusAfter: Record<StockEventType, ReservationStatus> = {
  'stock.held': 'held',
  'stock.refused': 'rejected',
  'stock.released': 'released',
  'stock.committed': 'completed',
};

/**
 * Takes over what the inventory has decided. News that was overtaken by later news changes nothing, except that prices
 * are kept whenever they come.
 * @param mayBeRemoved whether the reservation is so old that, if it is not there, it has ended and was removed
 * @returns the reservation if its status has changed
 * @throws when nobody made the reservation: a bug
 */
export function apply(event: StockEvent, state: ReservationState, mayBeRemoved = false): Reservation | undefined {
  const reservation = state.reservation(event.data.reservationId);
  if (!reservation && mayBeRemoved) return undefined;
  if (!reservation) throw new Error(`${event.type} for reservation ${event.data.reservationId}, which nobody made`);
  if (event.type === 'stock.held') {
    const { items, totalCents, currency, expiresAt } = event.data;
    Object.assign(reservation, { items, totalCents, currency, expiresAt: new Date(expiresAt) });
    state.changedReservation(reservation);
  }
  const next = statusAfter[event.type];
  if (!mayBecome(reservation.status, next)) return undefined;
  reservation.status = next;
  if (event.type === 'stock.refused' || event.type === 'stock.released') reservation.reason = event.data.reason;
  state.changedReservation(reservation);
  return reservation;
}
