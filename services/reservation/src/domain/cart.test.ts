import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { refuse } from '@flash-sale/shared/messaging/decision.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { aCart, aLine, given, untouched } from '../testing/builders.ts';
import { addItem, createCart, maxLines, maxUnitsPerLine, removeItem } from './cart.ts';
import type { Cart, CartLine, ReservationStatus } from './state.ts';

const ids = ({ id, userId }: Cart) => ({ cartId: id, userId });
const full = (): CartLine[] => Array.from({ length: maxLines }, () => aLine());

describe('a new cart', () => {
  test('is empty, and may be filled in the same batch', () => {
    const state = given({});
    const [cartId, userId] = [newId(), newId()];
    expect(createCart({ cartId, userId }, state)).toEqual({ cart: { id: cartId, items: [] }, events: [] });
    const line = aLine(2);
    expect(addItem({ cartId, userId, ...line }, state)).toEqual({ cart: { id: cartId, items: [line] }, events: [] });
    expect([...state.newCarts]).toMatchObject([{ id: cartId, userId, items: [line], reservationId: null }]);
    // It is inserted as it stands at the end, and not updated beside that.
    expect(state.changedCarts.size).toBe(0);
  });
});

describe('adding', () => {
  test('a product makes a line', () => {
    const cart = aCart({ items: [aLine(1)] });
    const state = given({ carts: [cart] });
    const line = aLine(3);
    expect(addItem({ ...ids(cart), ...line }, state)).toEqual({
      cart: { id: cart.id, items: [cart.items[0], line] },
      events: [],
    });
    expect([...state.changedCarts]).toEqual([cart]);
  });

  test('a product that is there already makes no second line', () => {
    const line = aLine(2);
    const cart = aCart({ items: [line, aLine()] });
    const result = addItem({ ...ids(cart), ...aLine(3, line.productId) }, given({ carts: [cart] }));
    expect(result).toMatchObject({ cart: { items: [{ productId: line.productId, quantity: 5 }, { quantity: 1 }] } });
    expect(cart.items).toHaveLength(2);
  });

  test('one line more than a cart holds is refused; more of what it holds is not', () => {
    const cart = aCart({ items: full() });
    const state = given({ carts: [cart] });
    expect(addItem({ ...ids(cart), ...aLine() }, state)).toEqual(refuse('cart-full'));
    expect(untouched(state)).toBe(true);
    expect(cart.items).toHaveLength(maxLines);
    expect(addItem({ ...ids(cart), ...aLine(1, cart.items[7]!.productId) }, state)).toHaveProperty('cart');
    expect(cart.items[7]!.quantity).toBe(2);
  });

  test('the last line that fits is taken', () => {
    const cart = aCart({ items: full().slice(1) });
    expect(addItem({ ...ids(cart), ...aLine() }, given({ carts: [cart] }))).toHaveProperty('cart');
    expect(cart.items).toHaveLength(maxLines);
  });

  test.each([
    ['at once', 0, maxUnitsPerLine + 1],
    ['bit by bit', maxUnitsPerLine, 1],
  ])('more units than a line holds are refused: %s', (_how, before, more) => {
    const line = aLine(before);
    const cart = aCart({ items: before > 0 ? [line] : [] });
    const state = given({ carts: [cart] });
    expect(addItem({ ...ids(cart), ...aLine(more, line.productId) }, state)).toEqual(refuse('too-many-units'));
    expect(untouched(state)).toBe(true);
    expect(cart.items).toEqual(before > 0 ? [{ ...line, quantity: before }] : []);
  });

  test('as many units as a line holds are taken', () => {
    const cart = aCart();
    expect(addItem({ ...ids(cart), ...aLine(maxUnitsPerLine) }, given({ carts: [cart] }))).toHaveProperty('cart');
  });
});

describe('removing', () => {
  test('takes the whole line', () => {
    const [first, second] = [aLine(5), aLine()];
    const cart = aCart({ items: [first, second] });
    const state = given({ carts: [cart] });
    expect(removeItem({ ...ids(cart), productId: first.productId }, state)).toEqual({
      cart: { id: cart.id, items: [second] },
      events: [],
    });
    expect([...state.changedCarts]).toMatchObject([{ items: [second] }]);
  });

  test('what is not there changes nothing, and is no error', () => {
    const cart = aCart({ items: [aLine()] });
    const before = structuredClone(cart.items);
    expect(removeItem({ ...ids(cart), productId: newId() }, given({ carts: [cart] }))).toEqual({
      cart: { id: cart.id, items: before },
      events: [],
    });
  });

  test('makes room for another line', () => {
    const cart = aCart({ items: full() });
    const state = given({ carts: [cart] });
    removeItem({ ...ids(cart), productId: cart.items[0]!.productId }, state);
    expect(addItem({ ...ids(cart), ...aLine() }, state)).toHaveProperty('cart');
  });
});

describe('whose cart, and when', () => {
  const acts = {
    adding: (cart: Cart, userId: string) => {
      const state = given({ carts: [cart] });
      return { state, result: addItem({ cartId: cart.id, userId, ...aLine() }, state) };
    },
    removing: (cart: Cart, userId: string) => {
      const state = given({ carts: [cart] });
      return { state, result: removeItem({ cartId: cart.id, userId, productId: cart.items[0]!.productId }, state) };
    },
  };
  const cases = Object.entries(acts);

  test.each(cases)("%s: somebody else's cart is not there", (_act, act) => {
    const { state, result } = act(aCart({ items: [aLine()] }), newId());
    expect(result).toEqual(refuse('not-found'));
    expect(untouched(state)).toBe(true);
  });

  test.each(cases)('%s: a cart that was never made is not there', (_act, act) => {
    const cart = aCart({ items: [aLine()] });
    expect(act({ ...cart, id: newId() }, newId()).result).toEqual(refuse('not-found'));
  });

  const closed: (ReservationStatus | null)[] = ['pending', 'held', 'completed', null];
  const closedCases = cases.flatMap(([name, act]) => closed.map((status) => [name, status, act] as const));
  test.each(closedCases)('%s: closed while its reservation is %s', (_act, reservationStatus, act) => {
    const cart = aCart({ items: [aLine()], reservationId: newId(), reservationStatus });
    const before = structuredClone(cart);
    const { state, result } = act(cart, cart.userId);
    expect(result).toEqual(refuse('cart-reserved'));
    expect(untouched(state)).toBe(true);
    expect(cart).toEqual(before);
  });

  const open: ReservationStatus[] = ['rejected', 'released'];
  const openCases = cases.flatMap(([name, act]) => open.map((status) => [name, status, act] as const));
  test.each(openCases)('%s: open again once its reservation is %s', (_act, reservationStatus, act) => {
    const cart = aCart({ items: [aLine()], reservationId: newId(), reservationStatus });
    expect(act(cart, cart.userId).result).toHaveProperty('cart');
  });
});

test('an answer is a copy: what a caller does to it does not reach the cart', () => {
  const cart = aCart({ items: [aLine(1)] });
  const result = addItem({ ...ids(cart), ...aLine(2) }, given({ carts: [cart] }));
  if (!('cart' in result)) throw new Error('refused');
  result.cart.items[0]!.quantity = 99;
  result.cart.items.pop();
  expect(cart.items.map(({ quantity }) => quantity)).toEqual([1, 2]);
});

test('whatever is added and removed, each product has one line with the sum of its units', () => {
  const products = ['a', 'b', 'c'];
  const step = fc.record({ productId: fc.constantFrom(...products), quantity: fc.integer({ min: 0, max: 600 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const cart = aCart();
      const state = given({ carts: [cart] });
      const sums = new Map<string, number>();
      for (const { productId, quantity } of steps) {
        if (quantity === 0) {
          removeItem({ ...ids(cart), productId }, state);
          sums.delete(productId);
        } else {
          const sum = (sums.get(productId) ?? 0) + quantity;
          const result = addItem({ ...ids(cart), productId, quantity }, state);
          expect('refusal' in result).toBe(sum > maxUnitsPerLine);
          if (!('refusal' in result)) sums.set(productId, sum);
        }
      }
      expect(cart.items).toEqual([...sums].map(([productId, quantity]) => ({ productId, quantity })));
    }),
  );
});
