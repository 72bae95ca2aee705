import { AppError } from '@flash-sale/contract/errors.ts';

/** Each field is valid by itself, but they contradict each other or the current state of the product. */
export function conflict(refusal: keyof typeof conflicts): AppError {
  return new AppError('product-conflict', 'It does not fit the product; see errors. Nothing was changed.', {
    errors: [conflicts[refusal]],
  });
}

const conflicts = {
  'ends-before-it-starts': { path: 'saleEndsAt', message: 'must be after saleStartsAt' },
  'limit-in-use': { path: 'limitPerUser', message: 'may only rise once units have been held or sold' },
  'too-many-units': { path: 'quantity', message: 'a product may have at most a thousand million units in all' },
};
