import { AppError } from '@flash-sale/contract/errors.ts';
import { notFound } from '@flash-sale/shared/http/validate.ts';
import type { BoundRefusal } from './domain/bounds.ts';
import type { CartRefusal } from './domain/cart.ts';
import type { ReserveResult } from './domain/reservation.ts';
import type { Reservation } from './domain/state.ts';

/** Why a reservation was rejected. */
export function rejection(reason: Reservation['reason']): AppError {
  switch (reason) {
    case 'sold-out':
      return new AppError('sold-out', 'Fewer units are left than you asked for. Nothing was reserved or charged.');
    case 'limit-exceeded':
      return new AppError(
        'limit-exceeded',
        'You would have more units of a product than one shopper may buy (`limitPerUser`), or may hold without having paid for them. Nothing was reserved. Ask for fewer units, or pay for what you hold first.',
      );
    case 'sale-closed':
      return new AppError('sale-closed', 'The sale of a product in the cart is not running. Nothing was reserved.');
    case 'mixed-currencies':
      return new AppError('mixed-currencies', 'The cart has products of several currencies; reserve them one by one.');
    case 'product-not-found':
      return new AppError('not-found', 'A product in the cart does not exist. Nothing was reserved.');
    case 'cancelled':
    case 'expired':
    case null:
      return new AppError('reservation-cancelled', 'The reservation was cancelled before it was decided.');
  }
}

export function reserveRefusal(result: Extract<ReserveResult, { refusal: string }>): AppError {
  switch (result.refusal) {
    case 'not-found':
      return notFound('cart');
    case 'cart-empty':
      return new AppError('cart-empty', 'Put something into the cart first. Nothing was reserved.');
    case 'cart-reserved':
      return new AppError('cart-reserved', 'This cart is reserved already. Nothing was reserved a second time.');
    case 'idempotency-key-reused':
      return new AppError(result.refusal, 'This key was used for another cart. Nothing was reserved; send a new key.');
    case 'removed':
      return result.reason === 'cancelled' || result.reason === 'expired' || result.reason === null
        ? new AppError('reservation-cancelled', 'The reservation of this key has ended long ago. Nothing was reserved.')
        : rejection(result.reason);
    case 'too-many-open':
    case 'too-many-left':
      return boundRefusal(result);
  }
}

function boundRefusal(result: BoundRefusal): AppError {
  if (result.refusal === 'too-many-open')
    return new AppError(
      'limit-exceeded',
      'You have as many open reservations as one shopper may have. Nothing was reserved. Pay for one of them or cancel it first.',
    );
  return new AppError(
    'limit-exceeded',
    'You have left too many reservations to expire within the last hour, or cancelled them late. Nothing was reserved. Wait as long as Retry-After says.',
    { retryAfterSeconds: Math.max(1, Math.ceil((result.retryAt.getTime() - Date.now()) / 1_000)) },
  );
}

export function cancelRefusal(refusal: 'not-found' | 'reservation-completed'): AppError {
  if (refusal === 'not-found') return notFound('reservation');
  return new AppError(refusal, 'The reservation is bought already and cannot be cancelled. Nothing was changed.');
}

export function cartRefusal(refusal: CartRefusal): AppError {
  switch (refusal) {
    case 'not-found':
      return notFound('cart');
    case 'cart-reserved':
      return new AppError(
        refusal,
        'This cart is reserved and cannot be changed. Cancel the reservation, or start a new cart.',
      );
    case 'cart-full':
      return new AppError(refusal, 'A cart may hold 20 products. Nothing was added.');
    case 'too-many-units':
      return new AppError('cart-full', 'A cart may hold 1,000 units of a product. Nothing was added.', {
        errors: [{ path: 'quantity', message: 'more than 1,000 units in all' }],
      });
  }
}
