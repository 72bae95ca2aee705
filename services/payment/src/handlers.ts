import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import { isOlderThan } from '@flash-sale/shared/ids.ts';
import type { Context, Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { close, giveUp, open, pay, refund, settle, type PayInput } from './domain/payment.ts';
import type { Payment, PaymentState } from './domain/state.ts';
import type { Gateway, Outcome } from './gateway.ts';

type Changed = (payment: Payment) => void;

/** Every event that the payment service handles. `changed` hears of payments after the commit. */
export function handlers(changed: Changed): Handlers<PaymentState, EventsOf<'payment'>> {
  const announce = (payment: Payment | undefined, { afterCommit }: Context) => {
    if (payment) afterCommit(() => changed(payment));
  };
  return {
    'order.opened': ({ data }, state, context) => announce(open(data, state, context.now, context.emit), context),
    'order.cancelled': ({ data }, state, context) => announce(close(data, state, context.emit), context),
    'payment.requested': ({ data }, state, context, outcome) =>
      announce(settle(data, outcome as Outcome, state, context.emit), context),
    'order.refund-due': ({ data }, state, context) => announce(refund(data, state, context.emit), context),
  };
}

/** What must be asked of the gateway, outside any transaction, before an event is handled. */
export const preparations = (gateway: Gateway) => ({
  'payment.requested': ({ data }: { data: Parameters<Gateway['capture']>[0] }) => gateway.capture(data),
  'order.refund-due': ({ data }: { data: { paymentId: string } }) => gateway.refund(data.paymentId),
});

/**
 * Every command that the routes and tasks give.
 * @param recognisedForMs how long repeats are recognised: what an order owed that is older may have been removed
 */
export const commands = (changed: Changed, recognisedForMs: number) => ({
  pay: (input: PayInput, state: PaymentState, { now, emit }: Context) =>
    pay(input, state, now, emit, isOlderThan(input.orderId, recognisedForMs, now)),
  giveUp: (input: { paymentId: string; orderId: string }, state: PaymentState, { emit, afterCommit }: Context) => {
    const payment = giveUp(input.paymentId, state, emit);
    if (payment) afterCommit(() => changed(payment));
  },
});
