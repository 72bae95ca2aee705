import { z } from 'zod';

const id = z.uuid();
const cents = z.number().int().nonnegative();
/**
 * Half a character cannot be stored as JSON, and PostgreSQL keeps another in its place. None is let in; but what an older
 * release has sent, or put aside, must be able to come to its end.
 */
const text = z.string().overwrite((value) => value.toWellFormed().replaceAll('\0', '\ufffd'));
const currency = text.length(3);
const time = z.iso.datetime();
const quantity = z.number().int().positive();

const line = z.strictObject({ productId: id, quantity });
const pricedLine = z.strictObject({ productId: id, name: text, quantity, unitPriceCents: cents });
const reservationAndOrder = { reservationId: id, orderId: id, userId: id };

export const refusalReasons = [
  'sold-out',
  'limit-exceeded',
  'sale-closed',
  'product-not-found',
  'mixed-currencies',
  'cancelled',
] as const;

/**
 * Every event of the platform: its name is type, routing key and log field alike; its version rises when data changes
 * in a way that an older reader would not understand.
 */
export const eventData = {
  'reservation.requested': z.strictObject({ ...reservationAndOrder, items: z.array(line).min(1).max(50) }),
  'reservation.cancelled': z.strictObject({ ...reservationAndOrder, items: z.array(line).max(50) }),
  'stock.held': z.strictObject({
    ...reservationAndOrder,
    items: z.array(pricedLine).min(1).max(50),
    totalCents: cents,
    currency,
    expiresAt: time,
  }),
  'stock.refused': z.strictObject({ ...reservationAndOrder, reason: z.enum(refusalReasons) }),
  'stock.released': z.strictObject({ ...reservationAndOrder, reason: z.enum(['cancelled', 'expired']) }),
  'stock.committed': z.strictObject(reservationAndOrder),
  'stock.commit-refused': z.strictObject(reservationAndOrder),
  'order.opened': z.strictObject({ orderId: id, userId: id, totalCents: cents, currency, expiresAt: time }),
  'order.paid': z.strictObject({ ...reservationAndOrder, items: z.array(line).min(1).max(50) }),
  'order.refund-due': z.strictObject({ orderId: id, paymentId: id }),
  'order.cancelled': z.strictObject({ orderId: id }),
  'payment.requested': z.strictObject({
    paymentId: id,
    orderId: id,
    amountCents: cents,
    currency,
    methodToken: text.max(64),
  }),
  'payment.captured': z.strictObject({ paymentId: id, orderId: id, amountCents: cents, currency }),
  'payment.declined': z.strictObject({ paymentId: id, orderId: id, reason: text.max(64) }),
  'payment.refunded': z.strictObject({ paymentId: id, orderId: id, amountCents: cents, currency }),
} as const;

export type EventType = keyof typeof eventData;
export type EventData<T extends EventType> = z.output<(typeof eventData)[T]>;
export type RefusalReason = (typeof refusalReasons)[number];
export const eventTypes = Object.keys(eventData) as EventType[];

/** What has happened, as it travels: one id for ever, however often it is delivered. */
export type DomainEvent<T extends EventType = EventType> = {
  [K in T]: { id: string; type: K; version: 1; occurredAt: string; data: EventData<K> };
}[T];

/** What a decision answers with; id and time are given to it when it is written to the outbox. */
export type NewEvent<T extends EventType = EventType> = { [K in T]: { type: K; data: EventData<K> } }[T];

/** The schema of one event as it travels. */
export const envelope = <T extends EventType>(type: T) =>
  z.strictObject({ id, type: z.literal(type), version: z.literal(1), occurredAt: time, data: eventData[type] });

const envelopes = Object.fromEntries(eventTypes.map((type) => [type, envelope(type)]));

// Made once: zod compiles a schema at its first use, which costs more than a thousand uses.
const typed = z.object({ type: z.enum(eventTypes) });

/** Reads an event from outside the process. @throws ZodError when it is none, or of an unknown type or version */
export function parseEvent(input: unknown): DomainEvent {
  return envelopes[typed.parse(input).type]!.parse(input) as DomainEvent;
}
