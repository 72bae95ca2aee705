import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { Context, Decision } from '@flash-sale/shared/messaging/decision.ts';
import type { Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { Bounds } from './domain/bounds.ts';
import { addItem, createCart, removeItem } from './domain/cart.ts';
import { applyStockEvent, cancel, reserve, type ReserveInput, type StockEvent } from './domain/reservation.ts';
import type { ReservationState } from './domain/state.ts';

const apply =
  <T extends StockEvent['type']>(type: T): Decision<Extract<StockEvent, { type: T }>['data'], ReservationState> =>
  (data, state, context) =>
    applyStockEvent({ type, data } as StockEvent, state, context);

/** Every event that the reservation service handles. */
export const handlers: Handlers<ReservationState, EventsOf<'reservation'>> = {
  'stock.held': apply('stock.held'),
  'stock.refused': apply('stock.refused'),
  'stock.released': apply('stock.released'),
  'stock.committed': apply('stock.committed'),
};

/** Every command that the routes give. */
export const commands = (bounds: Bounds) => ({
  createCart,
  addItem,
  removeItem,
  reserve: (input: ReserveInput, state: ReservationState, context: Context) =>
    reserve(input, state, { ...context, bounds }),
  cancel,
});
export type ReservationCommands = ReturnType<typeof commands>;
