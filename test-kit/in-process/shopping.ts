import { expect } from '@jest/globals';
import type { z } from 'zod';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import type { Answer } from '@flash-sale/shared/testing/service.ts';
import type { Shop, Shopper } from './shop.ts';

export type CartBody = z.output<typeof contract.cart>;
export type ReservationBody = z.output<typeof contract.reservation>;
export type OrderBody = z.output<typeof contract.order>;
export type PaymentBody = z.output<typeof contract.payment>;

/** `[status, code]` of an answer, or `[status, 'ok']`; a problem must be a whole one. */
export function outcomeOf(answer: Answer<unknown>): [number, string] {
  if (answer.status < 400) return [answer.status, 'ok'];
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const problem = contract.problem.parse(answer.body);
  expect(problem.status).toBe(answer.status);
  return [answer.status, problem.type.replace('/problems/', '')];
}

/** Seconds that a shopper is ready to wait, as the one client for both stacks is; `wait: 0` sends no preference. */
const patience = 20;

/** What shoppers and the admin do in a shop; every good answer is held against the contract. */
export const shopping = (shop: Shop) => {
  const checked = async <Schema extends z.ZodType>(schema: Schema, sent: Promise<Answer<unknown>>) => {
    const answer = await sent;
    if (answer.status < 400) schema.parse(answer.body);
    return answer as Answer<z.output<Schema>>;
  };
  const waiting = (seconds: number): Record<string, string> => (seconds === 0 ? {} : { prefer: `wait=${seconds}` });

  const actions = {
    async aProduct(overrides: Record<string, unknown> = {}): Promise<string> {
      const body = { name: 'Comet sneakers', priceCents: 4_900, currency: 'EUR', stock: 5, ...overrides };
      const answer = await checked(
        contract.product,
        shop.call('POST', '/api/products', { body, token: shop.admin.token }),
      );
      expect(answer.status).toBe(201);
      return answer.body.id;
    },
    /** The shop window follows the stock within moments. */
    async untilAvailable(productId: string, units: number): Promise<void> {
      await eventually(async () => {
        const answer = await checked(contract.product, shop.call('GET', `/api/products/${productId}`));
        expect(answer.body.available).toBe(units);
      });
    },
    addToCart: ({ token }: Shopper, cartId: string, productId: string, quantity = 1) =>
      checked(contract.cart, shop.call('POST', `/api/carts/${cartId}/items`, { body: { productId, quantity }, token })),
    readCart: ({ token }: Shopper, cartId: string) =>
      checked(contract.cart, shop.call('GET', `/api/carts/${cartId}`, { token })),
    /** A cart with the given lines: `aCart(shopper, [shoes, 2], [socks, 1])`. */
    async aCart(shopper: Shopper, ...lines: [productId: string, quantity: number][]): Promise<string> {
      const made = await checked(contract.cart, shop.call('POST', '/api/carts', { token: shopper.token }));
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
    ) =>
      checked(
        contract.reservation,
        shop.call('POST', '/api/reservations', {
          body: { cartId },
          token,
          headers: { 'idempotency-key': key, ...waiting(wait) },
        }),
      ),
    readReservation: ({ token }: Shopper, id: string, wait = 0) =>
      checked(contract.reservation, shop.call('GET', `/api/reservations/${id}`, { token, headers: waiting(wait) })),
    cancel: ({ token }: Shopper, id: string, wait = patience) =>
      checked(contract.reservation, shop.call('DELETE', `/api/reservations/${id}`, { token, headers: waiting(wait) })),
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
      checked(
        contract.payment,
        shop.call('POST', '/api/payments', {
          body: { orderId, method: { token: method } },
          token,
          headers: { 'idempotency-key': key, ...waiting(wait) },
        }),
      ),
    readPayment: ({ token }: Shopper, id: string, wait = 0) =>
      checked(contract.payment, shop.call('GET', `/api/payments/${id}`, { token, headers: waiting(wait) })),
    /** An order that its shopper was promised, as soon as it is there. */
    arrivedOrder: async (shopper: Shopper, id: string) =>
      eventually(async () => {
        const answer = await actions.readOrder(shopper, id);
        expect(outcomeOf(answer)).toEqual([200, 'ok']);
        return answer;
      }),
    /** Payments hear of the end of an order a moment after it; what is taken in between goes back by itself. */
    async untilNotPayable(orderId: string): Promise<void> {
      const closed = `SELECT FROM payables WHERE order_id = $1 AND status = 'closed'`;
      await eventually(async () => expect(await shop.query('payment', closed, [orderId])).toHaveLength(1));
    },
    readOrder: ({ token }: Shopper, id: string, wait = 0) =>
      checked(contract.order, shop.call('GET', `/api/orders/${id}`, { token, headers: waiting(wait) })),
  };
  return actions;
};
