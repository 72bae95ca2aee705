import type { Outcomes } from '@flash-sale/shared/messaging/outcomes.ts';
import type { OrderRow } from './adapters/tables.ts';
import type { Order, OrderStatus } from './domain/state.ts';

const finalStatuses: readonly OrderStatus[] = ['confirmed', 'cancelled', 'refunded'];

/** The stages of an order for which a request may wait. */
export const stages = {
  arrived: (_order: OrderRow) => true,
  final: ({ status }: OrderRow) => finalStatuses.includes(status),
};
export type OrderOutcomes = Outcomes<OrderRow, keyof typeof stages>;

/** Wakes requests that wait for a changed order. To be called after the commit. A new order has one of two statuses. */
export function announce({ id, status }: Order, outcomes: OrderOutcomes): void {
  if (status === 'awaiting-payment' || status === 'cancelled') outcomes.settle(id, 'arrived');
  if (finalStatuses.includes(status)) outcomes.settle(id, 'final');
}
