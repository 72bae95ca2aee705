import { describe, expect, test } from '@jest/globals';
import { refuse } from '@flash-sale/shared/messaging/decision.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { aHold, aProduct, aStock, given, levels } from '../testing/builders.ts';
import { createProduct, restock } from './catalogue.ts';
import { holdStates, type HoldState } from './state.ts';

const states = Object.keys(holdStates) as HoldState[];
const pairs = states.flatMap((from) => states.map((to) => [from, to] as const));
const isAllowed = ([from, to]: readonly [HoldState, HoldState]) =>
  (holdStates[from] as readonly HoldState[]).includes(to);

describe('the states of a hold', () => {
  test('the table says what the design says', () => {
    expect(pairs.filter(isAllowed)).toEqual([
      ['held', 'committed'],
      ['held', 'released'],
    ]);
  });

  test.each(pairs.filter(isAllowed))('%s may become %s', (from, to) => {
    const hold = aHold({ state: from });
    const state = given({ holds: [hold] });
    state.moveHold(hold, to);
    expect(hold.state).toBe(to);
    expect([...state.changedHolds]).toEqual([hold]);
  });

  test.each(pairs.filter((pair) => !isAllowed(pair)))('%s may not become %s', (from, to) => {
    const hold = aHold({ state: from });
    const state = given({ holds: [hold] });
    expect(() => state.moveHold(hold, to)).toThrow(`a ${from} hold cannot become ${to}`);
    expect(hold.state).toBe(from);
    expect(state.changedHolds.size).toBe(0);
  });
});

describe('changeStock', () => {
  test.each([
    ['more held than there is', { held: 8 }],
    ['more sold than there is', { sold: 8 }],
    ['held below zero', { held: -2 }],
    ['sold below zero', { sold: -3 }],
    ['a total below what is given away', { total: -8 }],
  ])('throws at %s', (_what, change) => {
    const stock = aStock({ total: 10, held: 1, sold: 2 });
    expect(() => given({ stock: [stock] }).changeStock(stock, change)).toThrow(/would be/);
  });

  test('lets everything be given away, to the last unit', () => {
    const stock = aStock({ total: 10, held: 1, sold: 2 });
    given({ stock: [stock] }).changeStock(stock, { held: 7 });
    expect(levels(stock)).toEqual({ total: 10, held: 8, sold: 2 });
  });
});

describe('the catalogue', () => {
  test('a new product can be had in the same batch', () => {
    const state = given({});
    const product = aProduct();
    createProduct({ product, units: 7 }, state);
    expect(state.newProducts).toEqual([{ product, total: 7, held: 0, sold: 0, version: 1, revision: 1 }]);
    expect(state.stock.get(product.id)).toBe(state.newProducts[0]);
  });

  test('restocking adds to what is there', () => {
    const stock = aStock({ total: 10, held: 2, sold: 3 });
    const state = given({ stock: [stock] });
    expect(restock({ productId: stock.product.id, units: 4 }, state)).toEqual({ available: 9, events: [] });
    expect(levels(stock)).toEqual({ total: 14, held: 2, sold: 3 });
    expect([...state.changedStock]).toEqual([stock]);
  });

  test('restocking nothing that exists is refused', () => {
    expect(restock({ productId: newId(), units: 1 }, given({}))).toEqual(refuse('product-not-found'));
  });

  test('a thousand million units are the most; one more changes nothing', () => {
    const stock = aStock({ total: 999_999_990 });
    const state = given({ stock: [stock] });
    expect(restock({ productId: stock.product.id, units: 11 }, state)).toEqual(refuse('too-many-units'));
    expect(state.changedStock.size).toBe(0);
    expect(restock({ productId: stock.product.id, units: 10 }, state)).toEqual({
      available: 1_000_000_000,
      events: [],
    });
  });
});
