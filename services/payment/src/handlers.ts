import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { Handlers } from '@flash-sale/shared/messaging/unit-of-work.ts';
import { close, giveUp, open, pay, refund, settle, type GatewayOutcome } from './domain/payment.ts';
import type { PaymentState } from './domain/state.ts';
import type { Gateway } from './gateway.ts';

/** Every event that the payment service handles. */
export const handlers: Handlers<PaymentState, EventsOf<'payment'>> = {
  'order.opened': open,
  'order.cancelled': close,
  'payment.requested': (requested, state, _context, outcome) =>
    settle({ requested, outcome: outcome as GatewayOutcome }, state),
  'order.refund-due': refund,
};

/** The calls to the gateway that an event needs before it is handled, outside any transaction. */
export const preparations = (gateway: Gateway) => ({
  'payment.requested': ({ data }: { data: Parameters<Gateway['capture']>[0] }) => gateway.capture(data),
  'order.refund-due': ({ data }: { data: { paymentId: string } }) => gateway.refund(data.paymentId),
});

/** Every command that the routes and tasks give. */
export const commands = { pay, giveUp };
