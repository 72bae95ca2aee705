import type { Operation } from '../operation.ts';
import * as schemas from '../schemas.ts';
import { reservationLinks } from './links.ts';
import { idempotencyKey, idInPath, ids, preferWait } from './parameters.ts';

const held = {
  id: ids.reservation,
  orderId: ids.order,
  status: 'held',
  totalCents: 4999,
  currency: 'EUR',
  expiresAt: '2030-01-01T10:02:00.000Z',
  items: [{ productId: ids.product, name: 'Lamp', quantity: 1, unitPriceCents: 4999 }],
};
const undecided = { totalCents: null, currency: null, expiresAt: null };
const pending = { ...held, ...undecided, status: 'pending', items: [{ productId: ids.product, quantity: 1 }] };
const released = { ...held, status: 'released', reason: 'cancelled' };

export const reservationOperations: Operation[] = [
  {
    id: 'reserve',
    method: 'post',
    path: '/api/reservations',
    tag: 'Reservations',
    summary: 'Reserve what is in a cart',
    description:
      'All of the cart is held for you, or nothing. `sold-out` means that fewer units are left than you asked for: a ' +
      'smaller quantity may still succeed, and so may a later try, when reservations of others have expired.\n\n' +
      'Pay the order `orderId` before `expiresAt`. After that the units go back on sale by themselves.\n\n' +
      '`limit-exceeded`: `detail` says of what there is too much. One shopper may have so many units of a product (its ' +
      '`limitPerUser`), so many of them without having paid (10, or 1 % of all where that is more), so many reservations ' +
      'open (10), and may leave so many to expire within an hour (10; `Retry-After` says how long to wait). Of these, one ' +
      'that was cancelled counts by the share of its time that it lasted, a tenth at least, and one whose payment was tried ' +
      'half. The numbers are those of a shop that has not chosen others.\n\n' +
      'What came to nothing is removed after some days, and is then answered by 404. Its key is honoured for a day more.',
    auth: 'user',
    parameters: [idempotencyKey, preferWait],
    body: { schema: schemas.newReservation, required: true, examples: { cart: { cartId: ids.cart } } },
    answers: {
      201: {
        description: 'Decided in your favour: the units are held. (A retry with the same key shows what became of it.)',
        body: schemas.reservation,
        headers: ['Location'],
        examples: { held },
        links: reservationLinks,
      },
      202: {
        description: 'Accepted, and not decided yet. Read it at `Location`, best with `Prefer: wait=N`.',
        body: schemas.reservation,
        headers: ['Location'],
        examples: { pending },
        links: reservationLinks,
      },
    },
    problems: [
      'idempotency-key-required',
      'idempotency-key-reused',
      'not-found',
      'sold-out',
      'limit-exceeded',
      'sale-closed',
      'mixed-currencies',
      'cart-empty',
      'cart-reserved',
      'reservation-cancelled',
      'too-many-requests',
    ],
  },
  {
    id: 'readReservation',
    method: 'get',
    path: '/api/reservations/{id}',
    tag: 'Reservations',
    summary: 'Read a reservation',
    description:
      '`pending`: not decided yet. `held`: yours until `expiresAt`. `rejected`: nothing was held, see `reason`. ' +
      '`released`: cancelled or expired. `completed`: bought.',
    auth: 'user',
    parameters: [idInPath('reservation'), preferWait],
    answers: {
      200: { description: 'As it is now.', body: schemas.reservation, examples: { held, pending, released } },
    },
    problems: ['not-found'],
  },
  {
    id: 'cancelReservation',
    method: 'delete',
    path: '/api/reservations/{id}',
    tag: 'Reservations',
    summary: 'Give the units back',
    description: 'May be repeated. A payment that is under way at the same moment is refunded by itself if it loses.',
    auth: 'user',
    parameters: [idInPath('reservation'), preferWait],
    answers: {
      200: {
        description: 'Nothing is held any more.',
        body: schemas.reservation,
        examples: { released },
      },
      202: {
        description: 'Accepted, and not decided yet. Read it at `Location`.',
        body: schemas.reservation,
        headers: ['Location'],
        examples: { held },
      },
    },
    problems: ['not-found', 'reservation-completed', 'too-many-requests'],
  },
];
