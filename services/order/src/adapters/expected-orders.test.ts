import { expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { ExpectedOrders } from './expected-orders.ts';

function reservations(orders: Record<string, string[]>) {
  const asked: string[][] = [];
  const post = (_service: string, _path: string, body: unknown) => {
    asked.push((body as { users: string[] }).users);
    return Promise.resolve({ orders });
  };
  return { asked, expected: new ExpectedOrders({ post }) };
}

test('shoppers who ask at the same moment share one question, and each hears of their own', async () => {
  const [one, other, nobody] = [newId(), newId(), newId()];
  const orders = { [one]: [newId()], [other]: [newId(), newId()] };
  const { asked, expected } = reservations(orders);
  const users = [one, other, nobody, one];
  expect(await Promise.all(users.map((user) => expected.of(user)))).toEqual([
    orders[one],
    orders[other],
    [],
    orders[one],
  ]);
  expect(asked).toEqual([[one, other, nobody]]);
});

test.each([
  ['cannot be asked', () => Promise.reject(new Error('away'))],
  ['answers something else', () => Promise.resolve({ orders: 'many' })],
])('nothing is expected when the reservation service %s', async (_what, post) => {
  expect(await new ExpectedOrders({ post }).of(newId())).toEqual([]);
});
