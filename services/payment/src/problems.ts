import { AppError } from '@flash-sale/contract/errors.ts';
import type { PayRefusal } from './domain/payment.ts';

export const declined = (reason: string | null): AppError =>
  new AppError('payment-declined', `The payment was declined (${reason}). Nothing was charged.`);

export function refusalOf(refusal: PayRefusal): AppError {
  switch (refusal) {
    case 'already-paid':
      return new AppError(refusal, 'The order is paid already. Nothing was charged a second time.');
    case 'payment-under-way':
      return new AppError(
        'order-not-payable',
        'Another payment of this order is under way. Nothing was charged by this one.',
      );
    case 'order-not-payable':
      return new AppError(refusal, 'The order has expired or was cancelled. Nothing was charged.');
    case 'idempotency-key-reused':
      return new AppError(refusal, 'This key was used for another payment. Nothing was charged; send a new key.');
  }
}
