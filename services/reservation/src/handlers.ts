import type { EventsOf } from '@flash-sale/shared/events/subscriptions.ts';
import type { Context, Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { addItem, createCart, removeItem } from './domain/cart.ts';
import { apply, cancel, reserve, type ReserveInput } from './domain/reservation.ts';
import type { CartLine, Reservation, ReservationState } from './domain/state.ts';

type StockNews = Parameters<typeof apply>[0];

/** Every event that the reservation service handles. `changed` hears of a new status after the commit. */
export function handlers(
  changed: (reservation: Reservation) => void,
): Handlers<ReservationState, EventsOf<'reservation'>> {
  const takeOver = (event: StockNews, state: ReservationState, { afterCommit }: Context) => {
    const reservation = apply(event, state);
    if (reservation) afterCommit(() => changed(reservation));
  };
  return { 'stock.held': takeOver, 'stock.refused': takeOver, 'stock.released': takeOver, 'stock.committed': takeOver };
}

type OfCart = { cartId: string; userId: string };

/** Every command that the routes give. */
export const commands = {
  createCart: (input: OfCart, state: ReservationState) => createCart(input, state),
  addItem: (input: OfCart & CartLine, state: ReservationState) => addItem(input, state),
  removeItem: (input: OfCart & { productId: string }, state: ReservationState) => removeItem(input, state),
  reserve: (input: ReserveInput, state: ReservationState, { emit }: Context) => reserve(input, state, emit),
  cancel: (input: { reservationId: string; userId: string }, state: ReservationState, { emit }: Context) =>
    cancel(input, state, emit),
};
