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

export interface Product {
  id: string;
  priceCents: number;
  currency: string;
  available: number;
}

export interface Cart {
  id: string;
  items: { productId: string; quantity: number }[];
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

/** Logs in, again and again while the service asks for patience. Answers the access token. */
export function patientLogIn(login: string, untilMs: number): string {
  for (;;) {
    const response = post('/api/sessions', login, 'log in');
    const turnedAway = response.status === 429 || response.status === 503;
    if (!turnedAway || Date.now() > untilMs) return bodyOf<{ accessToken: string }>(response, 201).accessToken;
    sleep(Number(response.headers['Retry-After'] ?? 1) + Math.random());
  }
}

export function post(
  path: string,
  body: string,
  name: string,
  token?: string,
  more?: Record<string, string>,
): Response {
  const headers: Record<string, string> = { 'Content-Type': 'application/json', ...more };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  return http.post(baseUrl + path, body, { headers, tags: { name }, responseType: 'text' });
}

export function get(path: string, name: string): Response {
  return http.get(baseUrl + path, { tags: { name }, responseType: 'text' });
}

/** The headers of the two requests that wait for an outcome and must not happen twice. */
export function settled(key: string): Record<string, string> {
  return { 'Idempotency-Key': key, Prefer: 'wait=10' };
}

export const described = ({ request, url, status, body }: Response): string =>
  `${request.method} ${url} answered ${status}: ${String(body).slice(0, 300)}`;

/** The parsed body of an answer that must have this status; throws with the beginning of the body otherwise. */
export function bodyOf<T>(response: Response, status: number): T {
  if (response.status !== status) throw new Error(described(response));
  return JSON.parse(response.body) as T;
}

/** For setup(): a product of its own with no limit per user, so that the demo stock neither limits a run nor is used up by it. */
export function createProduct(name: string, stock: number): Product {
  const admin = post('/api/sessions', JSON.stringify({ email: adminEmail, password }), 'admin');
  const { accessToken } = bodyOf<{ accessToken: string }>(admin, 201);
  const body = JSON.stringify({ name, priceCents: 1_999, currency: 'EUR', stock });
  return bodyOf<Product>(post('/api/products', body, 'admin', accessToken), 201);
}
