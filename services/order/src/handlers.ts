import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import { isOlderThan } from '@flash-sale/shared/ids.ts';
import type { Context, Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import {
  cancel,
  confirm,
  decline,
  open,
  pay,
  refund,
  refuseCommit,
  refuseStray,
  type Decision,
  type Order,
} from './domain/order.ts';
import type { OrderState } from './domain/state.ts';

export interface HandlerOptions {
  /** Hears of orders after the commit. */
  changed: (order: Order) => void;
  /** How long repeats are recognised: an order that is older, and not there, has ended unpaid and was removed. */
  recognisedForMs: number;
}

/** Every event that the order service handles. */
export function handlers({ changed, recognisedForMs }: HandlerOptions): Handlers<OrderState, EventsOf<'order'>> {
  const isRemoved = (id: string, state: OrderState, { now }: Context) =>
    !state.find(id) && isOlderThan(id, recognisedForMs, now);
  const accept = (decision: Decision | undefined, state: OrderState, { emit, afterCommit }: Context) => {
    if (!decision) return;
    state.accept(decision);
    decision.events.forEach((event) => emit(event));
    afterCommit(() => changed(decision.order));
  };
  return {
    'stock.held': ({ data }, state, context) => {
      // Its hold has ended as well: nobody could pay it any more.
      const isBygone = isRemoved(data.orderId, state, context) && new Date(data.expiresAt) <= context.now;
      if (!isBygone) accept(open(state.find(data.orderId), data), state, context);
    },
    'stock.refused': ({ data }, state, context) => accept(cancel(state.find(data.orderId), data), state, context),
    'stock.released': ({ data }, state, context) => accept(cancel(state.find(data.orderId), data), state, context),
    'payment.captured': ({ data }, state, context) => {
      if (isRemoved(data.orderId, state, context)) refuseStray(data).forEach((event) => context.emit(event));
      else accept(pay(state.get(data.orderId), data), state, context);
    },
    'payment.declined': ({ data }, state, context) => {
      if (!isRemoved(data.orderId, state, context)) accept(decline(state.get(data.orderId)), state, context);
    },
    'payment.refunded': ({ data }, state, context) => {
      if (!isRemoved(data.orderId, state, context)) accept(refund(state.get(data.orderId), data), state, context);
    },
    'stock.committed': ({ data }, state, context) => accept(confirm(state.get(data.orderId)), state, context),
    'stock.commit-refused': ({ data }, state, context) => accept(refuseCommit(state.get(data.orderId)), state, context),
  };
}
