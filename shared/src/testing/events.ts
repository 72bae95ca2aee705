import { newId } from '../ids.ts';
import type { DomainEvent, EventData, EventType } from '@flash-sale/contract/events/schemas.ts';

const expiresAt = '2030-06-01T12:02:00.000Z';
const money = { totalCents: 4_900, currency: 'EUR' };

/** One complete, valid example of each event's data, with new ids at each call. */
const examples: { [T in EventType]: () => EventData<T> } = {
  'reservation.requested': () => ({ ...ids(), items: [line()] }),
  'reservation.cancelled': () => ({ ...ids(), items: [line()] }),
  'stock.held': () => ({
    ...ids(),
    ...money,
    expiresAt,
    items: [{ ...line(), name: 'Comet sneakers', unitPriceCents: 4_900 }],
  }),
  'stock.refused': () => ({ ...ids(), reason: 'sold-out' }),
  'stock.released': () => ({ ...ids(), reason: 'expired' }),
  'stock.committed': () => ids(),
  'stock.commit-refused': () => ids(),
  'order.opened': () => ({ orderId: newId(), userId: newId(), ...money, expiresAt }),
  'order.paid': () => ({ ...ids(), items: [line()] }),
  'order.refund-due': () => ({ orderId: newId(), paymentId: newId() }),
  'order.cancelled': () => ({ orderId: newId() }),
  'payment.requested': () => ({ ...payment(), methodToken: 'tok_ok' }),
  'payment.captured': () => payment(),
  'payment.declined': () => ({ paymentId: newId(), orderId: newId(), reason: 'declined' }),
  'payment.refunded': () => payment(),
};
const ids = () => ({ reservationId: newId(), orderId: newId(), userId: newId() });
const line = () => ({ productId: newId(), quantity: 1 });
const payment = () => ({ paymentId: newId(), orderId: newId(), amountCents: 4_900, currency: 'EUR' });

export function anEvent<T extends EventType>(type: T, data: Partial<EventData<T>> = {}): DomainEvent<T> {
  return {
    id: newId(),
    type,
    version: 1,
    occurredAt: '2030-06-01T12:00:00.000Z',
    data: { ...examples[type](), ...data },
  } as unknown as DomainEvent<T>;
}
