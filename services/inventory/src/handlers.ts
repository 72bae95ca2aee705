import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import { isOlderThan } from '@flash-sale/shared/ids.ts';
import type { Context, Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { changeProduct, createProduct, restock } from './domain/catalogue.ts';
import { hold, refuseBygone } from './domain/hold.ts';
import { cancel, commit, expire } from './domain/settle-hold.ts';
import type { HeldLine, InventoryState, Product, ProductChange, UnpaidBound } from './domain/state.ts';

export interface DueHold {
  reservationId: string;
  userId: string;
  items: HeldLine[];
}

const emitAll = (events: NewEvent[], { emit }: Context) => events.forEach((event) => emit(event));

export interface HandlerOptions {
  holdTtlMs: number;
  unpaid: UnpaidBound;
  /** How long repeats are recognised. */
  recognisedForMs: number;
}

/** Every event that the inventory handles. */
export const handlers = ({
  holdTtlMs,
  unpaid,
  recognisedForMs,
}: HandlerOptions): Handlers<InventoryState, EventsOf<'inventory'>> => ({
  'reservation.requested': ({ data }, state, context) => {
    const isBygone = isOlderThan(data.reservationId, recognisedForMs, context.now);
    emitAll(isBygone ? refuseBygone(data, state) : hold(data, state, context.now, holdTtlMs, unpaid), context);
  },
  'reservation.cancelled': ({ data }, state, context) => emitAll(cancel(data, state, context.now), context),
  'order.paid': ({ data }, state, context) => emitAll(commit(data, state), context),
});

/** Every command that the inventory's own routes and tasks give. */
export const commands = {
  createProduct: ({ product, units }: { product: Product; units: number }, state: InventoryState) =>
    createProduct(product, units, state),
  restock: ({ productId, units }: { productId: string; units: number }, state: InventoryState) =>
    restock(productId, units, state),
  changeProduct: ({ productId, change }: { productId: string; change: ProductChange }, state: InventoryState) =>
    changeProduct(productId, change, state),
  /** Whose hold it is and of what: by these its rows are found and locked. */
  expire: ({ reservationId }: DueHold, state: InventoryState, context: Context) =>
    emitAll(expire(reservationId, state, context.now), context),
};
