import { expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { anOrder } from '../testing/builders.ts';
import { OrderState } from './state.ts';

test('a loaded order that was decided on is an update, a new one an insert, one that was only read neither', () => {
  const [read, loaded, fresh] = [anOrder(), anOrder(), anOrder()];
  const state = new OrderState([read, loaded]);
  state.put({ ...loaded, declinedPayments: 1 });
  state.put(fresh);
  expect(state.changed).toEqual([{ ...loaded, declinedPayments: 1 }]);
  expect(state.added).toEqual([fresh]);
});

test('the next decision of a batch sees the last one, and an order is saved once, as it stands at the end', () => {
  const order = anOrder();
  const state = new OrderState([]);
  state.put(order);
  expect(state.find(order.id)).toBe(order);
  state.put({ ...state.get(order.id), status: 'paid' });
  expect(state.added).toEqual([{ ...order, status: 'paid' }]);
  expect(state.changed).toEqual([]);
  expect(state.steps.map(({ status }) => status)).toEqual(['awaiting-payment', 'paid']);
});

test('an order that was never opened cannot be paid: a bug', () => {
  const id = newId();
  expect(new OrderState([]).find(id)).toBeUndefined();
  expect(() => new OrderState([]).get(id)).toThrow(`order ${id} is not known`);
});
