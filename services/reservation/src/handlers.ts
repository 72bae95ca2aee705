import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import { isOlderThan } from '@flash-sale/shared/ids.ts';
import type { Context, Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { Bounds } from './domain/bounds.ts';
import { addItem, createCart, removeItem } from './domain/cart.ts';
import { apply, cancel, reserve, type ReserveInput } from './domain/reservation.ts';
import type { CartLine, Reservation, ReservationState } from './domain/state.ts';

type StockNews = Parameters<typeof apply>[0];

export interface HandlerOptions {
  /** Hears of a new status after the commit. */
  changed: (reservation: Reservation) => void;
  bounds: Bounds;
  /** How long repeats are recognised: a reservation that is older, and not there, has ended and was removed. */
  recognisedForMs: number;
}

/** Every event that the reservation service handles. */
export function handlers({
  changed,
  recognisedForMs,
}: HandlerOptions): Handlers<ReservationState, EventsOf<'reservation'>> {
  const takeOver = (event: StockNews, state: ReservationState, { now, afterCommit }: Context) => {
    const reservation = apply(event, state, isOlderThan(event.data.reservationId, recognisedForMs, now));
    if (reservation) afterCommit(() => changed(reservation));
  };
  return { 'stock.held': takeOver, 'stock.refused': takeOver, 'stock.released': takeOver, 'stock.committed': takeOver };
}

type OfCart = { cartId: string; userId: string };

/** Every command that the routes give. */
export const commands = ({ bounds }: Pick<HandlerOptions, 'bounds'>) => ({
  createCart: (input: OfCart, state: ReservationState) => createCart(input, state),
  addItem: (input: OfCart & CartLine, state: ReservationState) => addItem(input, state),
  removeItem: (input: OfCart & { productId: string }, state: ReservationState) => removeItem(input, state),
  reserve: (input: ReserveInput, state: ReservationState, { emit }: Context) => reserve(input, state, emit, bounds),
  cancel: (input: { reservationId: string; userId: string }, state: ReservationState, { now, emit }: Context) =>
    cancel(input, state, now, emit),
});
export type ReservationCommands = ReturnType<typeof commands>;
