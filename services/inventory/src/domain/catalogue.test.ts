import { describe, expect, test } from '@jest/globals';
import { refuse } from '@flash-sale/shared/messaging/decision.ts';
import { aStock, given, later } from '../testing/builders.ts';
import { changeProduct } from './catalogue.ts';

describe('changing a product', () => {
  test('changes what is named, and raises the revision', () => {
    const stock = aStock({ priceCents: 4_900, limitPerUser: 2 });
    const { product } = structuredClone(stock);
    const state = given({ stock: [stock] });
    expect(changeProduct({ productId: product.id, change: { priceCents: 3_900 } }, state)).toEqual({
      stock,
      events: [],
    });
    expect(stock).toMatchObject({ product: { ...product, priceCents: 3_900 }, revision: 2 });
    expect([...state.changedProducts]).toEqual([stock.product]);
    expect([...state.changedStock]).toEqual([stock]);
  });

  test('nothing is there to change', () => {
    expect(changeProduct({ productId: 'none', change: { priceCents: 1 } }, given({}))).toEqual(
      refuse('product-not-found'),
    );
  });

  const sale = { saleStartsAt: later(0), saleEndsAt: later(1_000) };
  test.each([
    ['a start at the end', { saleStartsAt: later(1_000) }, true],
    ['an end before the start', { saleEndsAt: later(-1) }, true],
    ['both moved on', { saleStartsAt: later(1_000), saleEndsAt: later(2_000) }, false],
    ['no end', { saleEndsAt: null }, false],
    ['a later start without an end', { saleStartsAt: later(1_000), saleEndsAt: null }, false],
  ])('of the hours of a sale: %s', (_what, change, refused) => {
    const stock = aStock(sale);
    const state = given({ stock: [stock] });
    const result = changeProduct({ productId: stock.product.id, change }, state);
    expect(result).toEqual(refused ? refuse('ends-before-it-starts') : { stock, events: [] });
    expect(stock.product).toMatchObject(refused ? sale : { ...sale, ...change });
    expect(state.changedStock.size).toBe(refused ? 0 : 1);
  });

  // What was held without a limit is not counted by shopper, and what was held within a higher one may be too much.
  test.each([
    [2, 3, {}, false],
    [2, 3, { held: 1 }, false],
    [2, 2, { held: 1 }, false],
    [2, 1, {}, false],
    [2, 1, { held: 1 }, true],
    [2, 1, { sold: 1 }, true],
    [2, null, {}, false],
    [2, null, { sold: 1 }, true],
    [null, 2, {}, false],
    [null, 2, { held: 1 }, true],
    [null, null, { held: 1 }, false],
  ])('of the limit from %j to %j with %j', (before, after, units, refused) => {
    const stock = aStock({ limitPerUser: before, ...units });
    const result = changeProduct(
      { productId: stock.product.id, change: { limitPerUser: after } },
      given({ stock: [stock] }),
    );
    expect(result).toEqual(refused ? refuse('limit-in-use') : { stock, events: [] });
    expect(stock.product.limitPerUser).toBe(refused ? before : after);
  });
});
