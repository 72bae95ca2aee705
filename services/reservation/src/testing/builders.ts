import { newId } from '@flash-sale/shared/ids.ts';
import type { Context } from '@flash-sale/shared/messaging/decision.ts';
import { unbounded, type Bounds } from '../domain/bounds.ts';
import type { ReserveInput } from '../domain/reservation.ts';
import { ReservationState, type Cart, type CartLine, type Reservation } from '../domain/state.ts';

/** The context of a decision, with an inbox that forgets nothing and no bounds. */
export const at = (overrides: Partial<Context & { bounds: Bounds }> = {}): Context & { bounds: Bounds } => ({
  now: new Date(),
  isForgotten: () => false,
  bounds: unbounded,
  ...overrides,
});

/** `aLine(2)`: two units of a new product. */
export const aLine = (quantity = 1, productId = newId()): CartLine => ({ productId, quantity });

export const aCart = (overrides: Partial<Cart> = {}): Cart => ({
  id: newId(),
  userId: newId(),
  items: [],
  reservationId: null,
  reservationStatus: null,
  ...overrides,
});

export const aReservation = (overrides: Partial<Reservation> = {}): Reservation => ({
  id: newId(),
  orderId: newId(),
  userId: newId(),
  cartId: newId(),
  idempotencyKey: newId(),
  status: 'pending',
  cancelRequested: false,
  cancelledAt: null,
  items: [aLine()],
  totalCents: null,
  currency: null,
  expiresAt: null,
  reason: null,
  ...overrides,
});

/** A reservation and the cart it was made from. */
export function aReservedCart(overrides: Partial<Reservation> = {}): { cart: Cart; reservation: Reservation } {
  const reservation = aReservation(overrides);
  const { cartId: id, userId, status: reservationStatus } = reservation;
  const items = reservation.items.map(({ productId, quantity }) => ({ productId, quantity }));
  return { reservation, cart: aCart({ id, userId, items, reservationId: reservation.id, reservationStatus }) };
}

/** What a shopper sends to reserve a cart, with a new key. */
export const toReserve = (cart: Cart, overrides: Partial<ReserveInput> = {}): ReserveInput => ({
  reservationId: newId(),
  orderId: newId(),
  userId: cart.userId,
  cartId: cart.id,
  idempotencyKey: newId(),
  ...overrides,
});

type Loaded = ConstructorParameters<typeof ReservationState>[0];
export const given = (loaded: Partial<Loaded>): ReservationState =>
  new ReservationState({ carts: [], reservations: [], ...loaded });

/** Whether nothing would be saved. */
export const untouched = (state: ReservationState): boolean =>
  [state.newCarts, state.changedCarts, state.newReservations, state.changedReservations].every(
    ({ size }) => size === 0,
  );
