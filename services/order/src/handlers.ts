import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { cancel, confirm, decline, open, pay, refund, refuseCommit } from './domain/order.ts';
import type { OrderState } from './domain/state.ts';

/** Every event that the order service handles. */
export const handlers: Handlers<OrderState, EventsOf<'order'>> = {
  'stock.held': open,
  'stock.refused': cancel,
  'stock.released': cancel,
  'payment.captured': pay,
  'payment.declined': decline,
  'payment.refunded': refund,
  'stock.committed': confirm,
  'stock.commit-refused': refuseCommit,
};
