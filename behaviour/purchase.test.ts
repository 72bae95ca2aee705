import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aShop, checkAlways, checkSettled, settle, step, take } from './purchase-steps.ts';

/*
 * Whole purchases under any order of arrival: whatever is late, comes twice, is lost on the way back or crashes between
 * decision and commit, nothing may be oversold, lost, charged for nothing or given away.
 */

describe('purchases under any order of arrival', () => {
  test('end consistently', () => {
    const ends = new Set<string>();
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
        fc.constantFrom(null, 2),
        fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
        (units, limitPerUser, steps) => {
          const shop = aShop(units, limitPerUser);
          for (const step of steps) {
            take(shop, step);
            checkAlways(shop.model);
          }
          settle(shop);
          checkAlways(shop.model);
          checkSettled(shop.model);
          const { reservations, orders, payments } = shop.model;
          for (const { status } of reservations.values()) ends.add(`reservation ${status}`);
          for (const { status } of orders.values()) ends.add(`order ${status}`);
          for (const { status } of payments.values()) ends.add(`payment ${status}`);
        },
      ),
      { numRuns: 300 },
    );
    // Or the property would say nothing about those that never came about.
    expect([...ends].sort()).toEqual([
      'order cancelled',
      'order confirmed',
      'order refunded',
      'payment captured',
      'payment declined',
      'payment refunded',
      'reservation completed',
      'reservation rejected',
      'reservation released',
    ]);
  });
});
