import { expect } from '@jest/globals';
import type { z } from 'zod';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import type { Answer } from '../http.ts';
import type { Shop, Shopper } from './shop.ts';

export type ProductBody = z.output<typeof contract.product>;
export type CartBody = z.output<typeof contract.cart>;
export type ReservationBody = z.output<typeof contract.reservation>;
export type OrderBody = z.output<typeof contract.order>;
export type PaymentBody = z.output<typeof contract.payment>;

/** `[status, code]` of an answer, or `[status, 'ok']`; a problem must be a complete one. */
export function outcomeOf(answer: Omit<Answer<unknown>, 'text'>): [number, string] {
  if (answer.status < 400) return [answer.status, 'ok'];
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const problem = contract.problem.parse(answer.body);
  expect(problem.status).toBe(answer.status);
  return [answer.status, problem.type.replace('/problems/', '')];
}

/** Seconds that a shopper is ready to wait, whatever the stack; `wait: 0` sends no preference. */
const patience = 20;
const preferring = (seconds: number) => (seconds === 0 ? {} : { wait: seconds });

/** What shoppers and the admin do in a shop. */
export const shopping = (shop: Shop) => {
  const actions = {
    async aProduct(overrides: Record<string, unknown> = {}): Promise<string> {
      const body = { name: 'Comet sneakers', priceCents: 4_900, currency: 'EUR', stock: 5, ...overrides };
      const answer = await shop.call<ProductBody>('POST', '/api/products', { body, token: shop.admin.token });
      expect(answer.status).toBe(201);
      return answer.body.id;
    },
    /** Waits until the catalogue shows so many units; it follows the stock within moments. */
    async untilAvailable(productId: string, units: number): Promise<void> {
      await eventually(async () => {
        const answer = await shop.call<ProductBody>('GET', `/api/products/${productId}`);
        expect(answer.body.available).toBe(units);
      });
    },
    addToCart: ({ token }: Shopper, cartId: string, productId: string, quantity = 1) =>
      shop.call<CartBody>('POST', `/api/carts/${cartId}/items`, { body: { productId, quantity }, token }),
    readCart: ({ token }: Shopper, cartId: string) => shop.call<CartBody>('GET', `/api/carts/${cartId}`, { token }),
    /** A cart with the given lines: `aCart(shopper, [shoes, 2], [socks, 1])`. */
    async aCart(shopper: Shopper, ...lines: [productId: string, quantity: number][]): Promise<string> {
      const made = await shop.call<CartBody>('POST', '/api/carts', { token: shopper.token });
      expect(made.status).toBe(201);
      for (const [productId, quantity] of lines) {
        expect(outcomeOf(await actions.addToCart(shopper, made.body.id, productId, quantity))).toEqual([200, 'ok']);
      }
      return made.body.id;
    },
    reserve: (
      { token }: Shopper,
      cartId: string,
      { key = newId(), wait = patience }: { key?: string; wait?: number } = {},
    ) => shop.call<ReservationBody>('POST', '/api/reservations', { body: { cartId }, token, key, ...preferring(wait) }),
    readReservation: ({ token }: Shopper, id: string, wait = 0) =>
      shop.call<ReservationBody>('GET', `/api/reservations/${id}`, { token, ...preferring(wait) }),
    cancel: ({ token }: Shopper, id: string, wait = patience) =>
      shop.call<ReservationBody>('DELETE', `/api/reservations/${id}`, { token, ...preferring(wait) }),
    /** A shopper who holds the units. */
    async aHold(productId: string, quantity = 1): Promise<{ shopper: Shopper; reservation: ReservationBody }> {
      const shopper = shop.aShopper();
      const answer = await actions.reserve(shopper, await actions.aCart(shopper, [productId, quantity]));
      expect(outcomeOf(answer)).toEqual([201, 'ok']);
      return { shopper, reservation: answer.body };
    },
    pay: (
      { token }: Shopper,
      orderId: string,
      { method = 'tok_ok', key = newId(), wait = patience }: { method?: string; key?: string; wait?: number } = {},
    ) =>
      shop.call<PaymentBody>('POST', '/api/payments', {
        body: { orderId, method: { token: method } },
        token,
        key,
        ...preferring(wait),
      }),
    readPayment: ({ token }: Shopper, id: string, wait = 0) =>
      shop.call<PaymentBody>('GET', `/api/payments/${id}`, { token, ...preferring(wait) }),
    /** An order that was announced to its shopper, once it has arrived. */
    arrivedOrder: async (shopper: Shopper, id: string) =>
      eventually(async () => {
        const answer = await actions.readOrder(shopper, id);
        expect(outcomeOf(answer)).toEqual([200, 'ok']);
        return answer;
      }),
    /** Waits until the payment service knows that an order has ended; what it captures before is refunded by itself. */
    async untilNotPayable(orderId: string): Promise<void> {
      const closed = `SELECT FROM payables WHERE order_id = $1 AND status = 'closed'`;
      await eventually(async () => expect(await shop.query('payment', closed, [orderId])).toHaveLength(1));
    },
    readOrder: ({ token }: Shopper, id: string, wait = 0) =>
      shop.call<OrderBody>('GET', `/api/orders/${id}`, { token, ...preferring(wait) }),
  };
  return actions;
};
