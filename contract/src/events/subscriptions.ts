import { serviceNames, type ServiceName } from '../services.ts';
import type { EventType } from './schemas.ts';

/**
 * Which events each service handles. The types of the handler tables are made from this list, so that a service cannot
 * leave one out or take one more; all transports route by it.
 */
export const subscriptions = {
  user: [],
  inventory: ['reservation.requested', 'reservation.cancelled', 'order.paid'],
  reservation: ['stock.held', 'stock.refused', 'stock.committed', 'stock.released'],
  order: [
    'stock.held',
    'stock.refused',
    'stock.committed',
    'stock.commit-refused',
    'stock.released',
    'payment.captured',
    'payment.declined',
    'payment.refunded',
  ],
  payment: ['order.opened', 'order.cancelled', 'order.refund-due', 'payment.requested'],
} as const satisfies Record<ServiceName, readonly EventType[]>;

/**
 * What each service tells of, in the first word of its events: `order.paid` is the order service's to publish, and RabbitMQ takes it
 * from no other.
 */
export const subjects = {
  user: undefined,
  inventory: 'stock',
  reservation: 'reservation',
  order: 'order',
  payment: 'payment',
} as const satisfies Record<ServiceName, string | undefined>;

/** Of what an event tells: its first word. */
export const subjectOf = (type: string): string => type.slice(0, Math.max(0, type.indexOf('.')));

export type EventsOf<S extends ServiceName> = (typeof subscriptions)[S][number];

const subscribers = new Map<EventType, ServiceName[]>();
for (const service of serviceNames) {
  for (const type of subscriptions[service]) subscribers.set(type, [...(subscribers.get(type) ?? []), service]);
}

/** The services that handle an event, in a fixed order; empty when nobody does. */
export const subscribersOf = (type: EventType): readonly ServiceName[] => subscribers.get(type) ?? [];
