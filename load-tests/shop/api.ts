import { sleep } from 'k6';
import http, { type RefinedResponse } from 'k6/http';

export type Response = RefinedResponse<'text'>;

/** The public API as seen from k6, with as little JavaScript per request as possible: k6 shares the processors. */
export const baseUrl = (__ENV.BASE_URL ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
const password = __ENV.PASSWORD ?? 'flash-sale-demo';
const adminEmail = __ENV.ADMIN_EMAIL ?? 'admin@example.com';
const shoppers = numberFrom('SHOPPERS', 2_000);

/** Without the tags that say the same for every request (url, proto, tls_version, group …): each costs time per sample. */
export const systemTags = ['scenario', 'name', 'status', 'check', 'error', 'expected_response'];
export const summaryTrendStats = ['avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'];

/** What the options of every script of the shop have in common. */
export const commonOptions = {
  setupTimeout: '2m',
  systemTags,
  summaryTrendStats,
  tags: { stack: __ENV.STACK ?? 'unknown' },
};

export interface Product {
  id: string;
  priceCents: number;
  currency: string;
  available: number;
}

export interface Reservation {
  id: string;
  orderId: string;
  status: string;
  totalCents: number;
  currency: string;
  expiresAt: string;
}

export function numberFrom(name: string, fallback: number): number {
  const value = Number(__ENV[name] ?? fallback);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number, not ${__ENV[name]}`);
  return value;
}

/** The log-in body of the n-th virtual user; they share accounts from SHOPPERS on. */
export function credentials(vu: number): string {
  return JSON.stringify({ email: `shopper${((vu - 1) % shoppers) + 1}@example.com`, password });
}

export interface Session {
  accessToken: string;
  refreshToken: string;
}

const sessionOrPatience = http.expectedStatuses(201, 429, 503);

/**
 * Logs in, again and again while the service asks for patience, which counts as no failure.
 * @param onRefusal is told of each time it does
 */
export function patientSession(login: string, untilMs: number, onRefusal?: (refusal: Response) => void): Session {
  for (;;) {
    const response = post('/api/sessions', login, 'log in', undefined, {}, sessionOrPatience);
    const turnedAway = response.status === 429 || response.status === 503;
    if (!turnedAway || Date.now() > untilMs) return bodyOf<Session>(response, 201);
    onRefusal?.(response);
    sleep(Number(response.headers['Retry-After'] ?? 1) + Math.random());
  }
}

/** The same. Answers the access token. */
export const patientLogIn = (login: string, untilMs: number): string => patientSession(login, untilMs).accessToken;

export function post(
  path: string,
  body: string,
  name: string,
  token?: string,
  more?: Record<string, string>,
  expected?: ReturnType<typeof http.expectedStatuses>,
): Response {
  const headers: Record<string, string> = { 'Content-Type': 'application/json', ...more };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const params = { headers, tags: { name }, responseType: 'text' as const };
  return http.post(baseUrl + path, body, expected ? { ...params, responseCallback: expected } : params);
}

export function get(path: string, name: string, token?: string, more?: Record<string, string>): Response {
  const headers: Record<string, string> =
    token === undefined ? { ...more } : { ...more, Authorization: `Bearer ${token}` };
  return http.get(baseUrl + path, { headers, tags: { name }, responseType: 'text' });
}

/** The headers of the two requests that must not happen twice; with 0 seconds they do not ask to wait for an outcome. */
export function keyed(key: string, waitSeconds: number): Record<string, string> {
  return waitSeconds > 0 ? { 'Idempotency-Key': key, Prefer: `wait=${waitSeconds}` } : { 'Idempotency-Key': key };
}

const described = ({ request, url, status, body }: Response): string =>
  `${request.method} ${url} answered ${status}: ${String(body).slice(0, 300)}`;

/** Throws with the beginning of the body where the answer is not right. */
export function must(response: Response, isRight: boolean): void {
  if (!isRight) throw new Error(`not what was asked for: ${described(response)}`);
}

/** The parsed body of an answer that must have this status; throws with the beginning of the body otherwise. */
export function bodyOf<T>(response: Response, status: number): T {
  must(response, response.status === status);
  return JSON.parse(response.body) as T;
}

/** Judges the answer to a step. @returns that answer, or a later one; throws where it is not right */
export type Judge = (answer: Response, name: string, token?: string) => Response;

/** What was to be made has been made. */
export const made: Judge = (answer) => {
  must(answer, answer.status === 201);
  return answer;
};

/** An empty cart of the shopper's own. @returns its id; throws if the answer is not right, as `addItem` does */
export function createCart(token: string, begun = made): string {
  const cart = begun(post('/api/carts', '{}', 'create cart', token), 'create cart', token);
  must(cart, cart.json('items.#') === 0);
  return cart.json('id') as string;
}

/** Puts units of one product into an empty cart. */
export function addItem(cartId: string, productId: string, quantity: number, token: string): void {
  const line = JSON.stringify({ productId, quantity });
  const filled = post(`/api/carts/${cartId}/items`, line, 'add item', token);
  must(
    filled,
    filled.status === 200 &&
      filled.json('id') === cartId &&
      filled.json('items.#') === 1 &&
      filled.json('items.0.productId') === productId &&
      filled.json('items.0.quantity') === quantity,
  );
}

/** Reserves the cart. Whether the answer is right is up to the caller. */
export function reserve(cartId: string, key: string, waitSeconds: number, token: string): Response {
  return post('/api/reservations', JSON.stringify({ cartId }), 'reserve', token, keyed(key, waitSeconds));
}

/**
 * For setup(): a product of its own with no limit per user, so that the demo stock neither limits a run nor is used up by it;
 * not in the shop window, unless the release does not know that.
 */
export function createProduct(name: string, stock: number): Product {
  const admin = post('/api/sessions', JSON.stringify({ email: adminEmail, password }), 'admin');
  const { accessToken } = bodyOf<{ accessToken: string }>(admin, 201);
  const about = { name, priceCents: 1_999, currency: 'EUR', stock };
  const body = JSON.stringify({ ...about, listed: false });
  const mayNotKnow = http.expectedStatuses(201, 422);
  const made = post('/api/products', body, 'admin', accessToken, {}, mayNotKnow);
  if (made.status !== 422) return bodyOf<Product>(made, 201);
  return bodyOf<Product>(post('/api/products', JSON.stringify(about), 'admin', accessToken), 201);
}
