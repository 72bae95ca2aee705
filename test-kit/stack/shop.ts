import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type * as contract from '@flash-sale/contract/api/schemas.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import { bodyOf, send, type Answer, type CallOptions } from '../http.ts';
import { until } from '../until.ts';

export type Product = z.output<typeof contract.product>;
export type ProductPage = z.output<typeof contract.productPage>;
export type Cart = z.output<typeof contract.cart>;
export type Reservation = z.output<typeof contract.reservation>;
export type Order = z.output<typeof contract.order>;
export type OrderPage = z.output<typeof contract.orderPage>;
export type Payment = z.output<typeof contract.payment>;
export type Session = z.output<typeof contract.session>;

export const password = 'flash-sale-demo';
/** Long enough for any stack; an answer comes as soon as there is one. */
export const patienceSeconds = 20;

export interface Line {
  productId: string;
  quantity: number;
}

export interface Purchase {
  product: Product;
  reservation: Reservation;
  payment: Payment;
}

/** A shop as its clients see it: through nginx, by the public API. */
export class Shop {
  readonly stack: Stack;
  /** The launcher's output so far. */
  readonly log: readonly string[];
  #admin: Promise<Session> | undefined;
  #nextShopper = 1;

  constructor(stack: Stack, log: readonly string[] = []) {
    this.stack = stack;
    this.log = log;
  }

  call<Body = contract.Problem>(method: string, path: string, options?: CallOptions): Promise<Answer<Body>> {
    return send<Body>(this.stack.url, method, path, options);
  }

  logIn(email: string, secret = password): Promise<Answer<Session>> {
    return this.call('POST', '/api/sessions', { body: { email, password: secret } });
  }

  async admin(): Promise<string> {
    this.#admin ??= this.#session('admin@example.com');
    return (await this.#admin).accessToken;
  }

  /** A demo shopper that no test of this file has used before. */
  async aShopper(): Promise<Shopper> {
    return this.shopper(this.#nextShopper++);
  }

  async shopper(n: number): Promise<Shopper> {
    return this.shopperOf(await this.#session(`shopper${n}@example.com`));
  }

  /** Whoever is one of too many at once comes again, as the 503 says: a crowd does not fit on a busy machine. */
  async #session(email: string): Promise<Session> {
    let answer = await this.logIn(email);
    const isTooMany = ({ status, text }: typeof answer) => status === 503 && text.includes('/problems/overloaded');
    const isIn = async () => !isTooMany(answer) || !isTooMany((answer = await this.logIn(email)));
    await until(`${email} is logged in`, isIn);
    return bodyOf(answer, 201);
  }

  shopperOf(session: Session): Shopper {
    return new Shopper(this, session.accessToken);
  }

  async aProduct(about: Partial<z.input<typeof contract.newProduct>> = {}): Promise<Product> {
    const body = { name: 'A test product', priceCents: 1_250, currency: 'EUR', stock: 100, ...about };
    return bodyOf(await this.call<Product>('POST', '/api/products', { token: await this.admin(), body }), 201);
  }

  async product(id: string): Promise<Product> {
    return bodyOf(await this.call<Product>('GET', `/api/products/${id}`), 200);
  }

  restock(id: string, quantity: number): Promise<Answer<{ available: number }>> {
    return this.#asAdmin('POST', `/api/products/${id}/restock`, { quantity });
  }

  async #asAdmin<Body>(method: string, path: string, body: unknown): Promise<Answer<Body>> {
    return this.call<Body>(method, path, { token: await this.admin(), body });
  }
}

interface Attempt {
  /** A new Idempotency-Key unless given. */
  key?: string;
  /** Seconds of `Prefer: wait=`; undefined sends no preference. */
  wait?: number | undefined;
}

/** A logged-in shopper. Methods named like a request return its answer; those that begin with `a` throw unless it succeeds. */
export class Shopper {
  readonly shop: Shop;
  readonly token: string;

  constructor(shop: Shop, token: string) {
    this.shop = shop;
    this.token = token;
  }

  call<Body = contract.Problem>(method: string, path: string, options?: CallOptions): Promise<Answer<Body>> {
    return this.shop.call<Body>(method, path, { token: this.token, ...options });
  }

  addItem(cartId: string, line: unknown): Promise<Answer<Cart>> {
    return this.call('POST', `/api/carts/${cartId}/items`, { body: line });
  }

  reserve(cartId: string, attempt: Attempt = {}): Promise<Answer<Reservation>> {
    const { key = randomUUID(), wait } = { wait: patienceSeconds, ...attempt };
    return this.call('POST', '/api/reservations', { body: { cartId }, key, wait });
  }

  cancel(reservationId: string): Promise<Answer<Reservation>> {
    return this.call('DELETE', `/api/reservations/${reservationId}`, { wait: patienceSeconds });
  }

  pay(orderId: string, token = 'tok_ok', attempt: Attempt = {}): Promise<Answer<Payment>> {
    const { key = randomUUID(), wait } = { wait: patienceSeconds, ...attempt };
    return this.call('POST', '/api/payments', { body: { orderId, method: { token } }, key, wait });
  }

  /** The reservation, once it is decided. */
  async reservation(id: string): Promise<Reservation> {
    return bodyOf(await this.call<Reservation>('GET', `/api/reservations/${id}`, { wait: patienceSeconds }), 200);
  }

  /** The order, once it is final or after `wait` seconds. One that has not arrived is asked for again, as its 503 says. */
  async order(id: string, wait: number | undefined = patienceSeconds): Promise<Order> {
    const read = () => this.call<Order>('GET', `/api/orders/${id}`, { wait });
    let answer = await read();
    await until('the order is there', async () => answer.status !== 503 || (answer = await read()).status !== 503);
    return bodyOf(answer, 200);
  }

  /** The payment, once it is decided. */
  async payment(id: string): Promise<Payment> {
    return bodyOf(await this.call<Payment>('GET', `/api/payments/${id}`, { wait: patienceSeconds }), 200);
  }

  async aCart(...lines: Line[]): Promise<Cart> {
    let cart = bodyOf(await this.call<Cart>('POST', '/api/carts', { body: {} }), 201);
    for (const line of lines) cart = bodyOf(await this.addItem(cart.id, line), 200);
    return cart;
  }

  /** Holds units of one product. */
  async aReservation(product: Product, quantity = 1): Promise<Reservation> {
    const cart = await this.aCart({ productId: product.id, quantity });
    return bodyOf(await this.reserve(cart.id), 201);
  }

  /** A whole checkout, up to the captured payment. */
  async aPurchase(product: Product, quantity = 1): Promise<Purchase> {
    const reservation = await this.aReservation(product, quantity);
    return { product, reservation, payment: bodyOf(await this.pay(reservation.orderId), 201) };
  }
}
