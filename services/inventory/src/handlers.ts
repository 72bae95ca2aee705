import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { changeProduct, createProduct, restock } from './domain/catalogue.ts';
import { hold, type HoldSettings } from './domain/hold.ts';
import { cancel, commit, expire } from './domain/settle-hold.ts';
import type { InventoryState } from './domain/state.ts';

/** Every event that the inventory handles. */
export const handlers = (settings: HoldSettings): Handlers<InventoryState, EventsOf<'inventory'>> => ({
  'reservation.requested': (request, state, context) => hold(request, state, { ...context, ...settings }),
  'reservation.cancelled': cancel,
  'order.paid': commit,
});

/** Every command that the inventory's own routes and tasks give. */
export const commands = { createProduct, restock, changeProduct, expire };
