import type { Operation } from '../operation.ts';
import * as schemas from '../schemas.ts';
import { paymentLinks } from './links.ts';
import { idempotencyKey, idInPath, ids, preferWait } from './parameters.ts';

const captured = { id: ids.payment, orderId: ids.order, status: 'captured', amountCents: 4999, currency: 'EUR' };
const pending = { ...captured, status: 'pending' };
const method = (token: string) => ({ orderId: ids.order, method: { token } });

export const paymentOperations: Operation[] = [
  {
    id: 'pay',
    method: 'post',
    path: '/api/payments',
    tag: 'Payments',
    summary: 'Pay an order',
    description: [
      'The built-in gateway does what the token says:',
      '',
      '| token | what happens |',
      '|---|---|',
      '| `tok_ok` | captured |',
      '| `tok_declined` | declined |',
      '| `tok_slow` | captured after two seconds |',
      '| `tok_error_once` | the first try at the gateway fails, the next one succeeds |',
      '| `tok_timeout` | the outcome is unknown until the gateway is asked again; then captured |',
      '| any other | declined |',
      '',
      'After `payment-declined` the order still awaits payment: try again with a new Idempotency-Key, before it expires. ' +
        'An order is never charged twice.',
    ].join('\n'),
    auth: 'user',
    parameters: [idempotencyKey, preferWait],
    body: {
      schema: schemas.newPayment,
      required: true,
      examples: { 'goes through': method('tok_ok'), 'is declined': method('tok_declined') },
    },
    answers: {
      201: {
        description: 'Captured. (A retry with the same key shows what became of it.)',
        body: schemas.payment,
        headers: ['Location'],
        examples: { captured },
        links: paymentLinks,
      },
      202: {
        description: 'Accepted, and not settled yet. Read it at `Location`, best with `Prefer: wait=N`.',
        body: schemas.payment,
        headers: ['Location'],
        examples: { pending },
        links: paymentLinks,
      },
    },
    problems: [
      'idempotency-key-required',
      'idempotency-key-reused',
      'not-found',
      'payment-declined',
      'order-not-payable',
      'already-paid',
    ],
  },
  {
    id: 'readPayment',
    method: 'get',
    path: '/api/payments/{id}',
    tag: 'Payments',
    summary: 'Read a payment',
    description:
      '`pending`: not settled yet. `captured`: the money was taken. `declined`: nothing was taken. `refunded`: all of it ' +
      'went back, because the units were gone when the payment came.',
    auth: 'user',
    parameters: [idInPath('payment'), preferWait],
    answers: { 200: { description: 'As it is now.', body: schemas.payment, examples: { captured, pending } } },
    problems: ['not-found'],
  },
];
