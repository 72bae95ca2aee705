import { AppError } from '@flash-sale/contract/errors.ts';

/** Each field by itself is as documented, but they do not fit each other, or what the product is by now. */
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
