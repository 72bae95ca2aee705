import type { EventData } from '@flash-sale/contract/events/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { Context } from '@flash-sale/shared/messaging/decision.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import type { Order, OrderLine } from '../domain/state.ts';

/** The context of a decision, with an inbox that forgets nothing. */
export const at = (overrides: Partial<Context> = {}): Context => ({
  now: new Date('2030-06-01T12:00:00.000Z'),
  isForgotten: () => false,
  ...overrides,
});

export const aLine = (quantity = 1, unitPriceCents = 4_900): OrderLine => ({
  productId: newId(),
  name: 'Comet sneakers',
  quantity,
  unitPriceCents,
});

/** `anOrder({status: 'paid', paymentId})`: with its lines and price, unless `details: null`. */
export const anOrder = (overrides: Partial<Order> = {}): Order => ({
  id: newId(),
  reservationId: newId(),
  userId: newId(),
  status: 'awaiting-payment',
  details: { items: [aLine()], totalCents: 4_900, currency: 'EUR', expiresAt: '2030-06-01T12:02:00.000Z' },
  paymentId: null,
  declinedPayments: 0,
  ...overrides,
});

/** The data of an inventory event about the reservation of an order. */
export const stockNews = <
  T extends 'stock.held' | 'stock.refused' | 'stock.released' | 'stock.committed' | 'stock.commit-refused',
>(
  type: T,
  { id: orderId, reservationId, userId }: Order,
): EventData<T> => anEvent(type, { orderId, reservationId, userId } as Partial<EventData<T>>).data;

/** The data of a payment event about an order. */
export const paymentNews = <T extends 'payment.captured' | 'payment.declined' | 'payment.refunded'>(
  type: T,
  { id: orderId }: Order,
  paymentId = newId(),
): EventData<T> => anEvent(type, { orderId, paymentId } as Partial<EventData<T>>).data;
