import type { EventsOf } from '@flash-sale/shared/events/subscriptions.ts';
import type { Context, Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import {
  cancel,
  confirm,
  decline,
  open,
  pay,
  refund,
  refuseCommit,
  type Decision,
  type Order,
} from './domain/order.ts';
import type { OrderState } from './domain/state.ts';

/** Every event that the order service handles. `changed` hears of orders after the commit. */
export function handlers(changed: (order: Order) => void): Handlers<OrderState, EventsOf<'order'>> {
  const accept = (decision: Decision | undefined, state: OrderState, { emit, afterCommit }: Context) => {
    if (!decision) return;
    state.accept(decision);
    decision.events.forEach((event) => emit(event));
    afterCommit(() => changed(decision.order));
  };
  return {
    'stock.held': ({ data }, state, context) => accept(open(state.find(data.orderId), data), state, context),
    'stock.refused': ({ data }, state, context) => accept(cancel(state.find(data.orderId), data), state, context),
    'stock.released': ({ data }, state, context) => accept(cancel(state.find(data.orderId), data), state, context),
    'payment.captured': ({ data }, state, context) => accept(pay(state.get(data.orderId), data), state, context),
    'payment.declined': ({ data }, state, context) => accept(decline(state.get(data.orderId)), state, context),
    'payment.refunded': ({ data }, state, context) => accept(refund(state.get(data.orderId), data), state, context),
    'stock.committed': ({ data }, state, context) => accept(confirm(state.get(data.orderId)), state, context),
    'stock.commit-refused': ({ data }, state, context) => accept(refuseCommit(state.get(data.orderId)), state, context),
  };
}
