import type { Operation } from '../operation.ts';
import * as schemas from '../schemas.ts';
import { orderLinks, orderPageLinks } from './links.ts';
import { idInPath, ids, pageParameters, preferWait } from './parameters.ts';

const confirmed = {
  id: ids.order,
  reservationId: ids.reservation,
  status: 'confirmed',
  totalCents: 4999,
  currency: 'EUR',
  expiresAt: '2030-01-01T10:02:00.000Z',
  createdAt: '2030-01-01T10:00:00.000Z',
  declinedPayments: 0,
  items: [{ productId: ids.product, name: 'Lamp', quantity: 1, unitPriceCents: 4999 }],
};

export const orderOperations: Operation[] = [
  {
    id: 'listOrders',
    method: 'get',
    path: '/api/orders',
    tag: 'Orders',
    summary: 'List your orders, newest first',
    description:
      'An order whose reservation you have been told of is in the list, even if it is still on its way: the first page waits ' +
      'for it, two seconds at most unless configured otherwise.',
    auth: 'user',
    parameters: pageParameters,
    answers: {
      200: {
        description: 'A page; `nextCursor` is null on the last one.',
        body: schemas.orderPage,
        examples: { page: { items: [confirmed], nextCursor: ids.order } },
        links: orderPageLinks,
      },
    },
    problems: ['invalid-input'],
  },
  {
    id: 'readOrder',
    method: 'get',
    path: '/api/orders/{id}',
    tag: 'Orders',
    summary: 'Read an order',
    description:
      '`awaiting-payment`: pay it before `expiresAt`. `paid`: the money is there, the units are being handed over. ' +
      '`confirmed`: bought. `cancelled`: the reservation ended before it was paid. `refunded`: a payment came too late ' +
      'and was sent back in full.\n\nAn order whose reservation is still pending is answered by 503 `unavailable` with ' +
      '`Retry-After`. With `Prefer: wait=N` the answer waits for the end: `confirmed`, `cancelled` or `refunded`.',
    auth: 'user',
    parameters: [idInPath('order'), preferWait],
    answers: {
      200: { description: 'As it is now.', body: schemas.order, examples: { confirmed }, links: orderLinks },
    },
    problems: ['not-found'],
  },
];
