import { z } from 'zod';
import { email, label, moment, text } from './text.ts';

/**
 * The public API's bodies, in one place: routes parse by these schemas, the OpenAPI document is generated from them, and
 * a test holds the services' real answers against them.
 */
/** Compared byte by byte from here on, so capitals are made small where they come in. */
export const id = z.uuid().toLowerCase();
const cents = z.number().int().min(0).max(100_000_000);
const currency = z.string().regex(/^[A-Z]{3}$/, 'an ISO 4217 code such as EUR');
const time = z.iso.datetime();
const maxQuantity = 1_000;
const maxUnits = 1_000_000_000;

const password = text({ min: 8, max: 128 });

export const registration = z.strictObject({ email, password, name: label(100).optional() });
export const registeredUser = z.strictObject({ id, email: z.string() });
export const currentUser = z.strictObject({
  id,
  email: z.string(),
  name: z.string().nullable(),
  role: z.enum(['shopper', 'admin']),
});
export const credentials = z.strictObject({ email, password: text({ min: 1, max: 128 }) });
export const refresh = z.strictObject({ refreshToken: text({ min: 1, max: 256 }) });
export const session = z.strictObject({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresIn: z.number().int().meta({ description: 'seconds that the access token is valid' }),
  deviceToken: z.string().optional().meta({ description: 'of a log-in: send it as Device-Token with the next one' }),
});
export const passwordChange = z.strictObject({ currentPassword: credentials.shape.password, newPassword: password });
export const passwordChanged = z.strictObject({
  deviceToken: z.string().meta({ description: 'takes the place of those of the old password' }),
});
export const deletion = z.strictObject({ password: credentials.shape.password });
export const sessionList = z.strictObject({
  items: z.array(
    z.strictObject({
      id,
      current: z.boolean().meta({ description: 'whether this request comes from it' }),
      createdAt: time,
      refreshedAt: time.nullable(),
      expiresAt: time.meta({ description: 'unless it is refreshed before' }),
      userAgent: z.string().nullable().meta({ description: 'of the log-in' }),
    }),
  ),
});

export const product = z.strictObject({
  id,
  name: z.string(),
  priceCents: z.number().int(),
  currency: z.string(),
  available: z.number().int().meta({ description: 'units that may still be reserved' }),
  limitPerUser: z.number().int().nullable(),
  saleStartsAt: time.nullable(),
  saleEndsAt: time.nullable(),
  listed: z.boolean().meta({ description: 'whether it stands in the list; who has its id may buy it all the same' }),
});
export const productPage = z.strictObject({ items: z.array(product), nextCursor: z.string().nullable() });
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: id.optional(),
});
const saleTime = moment.nullable().exactOptional();
const sale = {
  limitPerUser: z.number().int().min(1).max(maxUnits).nullable().exactOptional(),
  saleStartsAt: saleTime,
  saleEndsAt: saleTime,
};
const listed = z.boolean().exactOptional();
/** Whether the sale ends after it starts is for the domain to say: a change is held against what is left as it was, too. */
export const newProduct = z.strictObject({
  name: label(200),
  priceCents: cents,
  currency,
  stock: z.number().int().min(0).max(maxUnits),
  ...sale,
  listed,
});
export const productChange = z
  .strictObject({ name: label(200).exactOptional(), priceCents: cents.exactOptional(), ...sale, listed })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .meta({ minProperties: 1 });
export const restock = z.strictObject({ quantity: z.number().int().min(1).max(maxUnits) });
export const restocked = z.strictObject({ available: z.number().int() });

export const empty = z.strictObject({});
export const cartItem = z.strictObject({ productId: id, quantity: z.number().int().min(1).max(maxQuantity) });
export const cart = z.strictObject({
  id,
  items: z.array(z.strictObject({ productId: id, quantity: z.number().int() })),
});

const pricedItem = z.strictObject({
  productId: id,
  name: z.string(),
  quantity: z.number().int(),
  unitPriceCents: z.number().int(),
});
export const newReservation = z.strictObject({ cartId: id });
export const reservationStatus = z.enum(['pending', 'held', 'rejected', 'released', 'completed']);
export const reservation = z.strictObject({
  id,
  orderId: id,
  status: reservationStatus,
  totalCents: z.number().int().nullable().meta({ description: 'null until held' }),
  currency: z.string().nullable(),
  expiresAt: time.nullable(),
  reason: z.string().optional().meta({ description: 'why it was rejected or released' }),
  items: z.array(z.union([pricedItem, z.strictObject({ productId: id, quantity: z.number().int() })])),
});

export const orderStatus = z.enum(['awaiting-payment', 'paid', 'confirmed', 'cancelled', 'refunded']);
export const order = z.strictObject({
  id,
  reservationId: id,
  status: orderStatus.meta({ description: 'why one was cancelled, the reason of its reservation says' }),
  totalCents: z.number().int(),
  currency: z.string(),
  expiresAt: time.meta({ description: 'until when it could be paid; of no meaning once it is paid or has ended' }),
  createdAt: time,
  declinedPayments: z.number().int().meta({ description: 'payments tried and declined' }),
  items: z.array(pricedItem),
});
export const orderPage = z.strictObject({ items: z.array(order), nextCursor: z.string().nullable() });

export const newPayment = z.strictObject({
  orderId: id,
  method: z.strictObject({ token: z.string().regex(/^tok_[a-z0-9_]{1,48}$/, 'a payment token such as tok_ok') }),
});
export const paymentStatus = z.enum(['pending', 'captured', 'declined', 'refunded']);
export const payment = z.strictObject({
  id,
  orderId: id,
  status: paymentStatus,
  amountCents: z.number().int().nullable().meta({ description: 'null until the order is known' }),
  currency: z.string().nullable(),
  reason: z.string().optional().meta({ description: 'why it was declined' }),
});

export const problem = z.object({
  type: z.string().meta({ description: '/problems/<code>' }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  traceId: z.string().optional().meta({ description: 'by which its operators find what happened, where they trace' }),
});
export type Problem = z.output<typeof problem>;

export const health = z.object({ status: z.enum(['ok', 'degraded']), services: z.record(z.string(), z.unknown()) });
