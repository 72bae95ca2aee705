// The checkout journey for k6 2.x: k6 run -e VUS=500 -e DURATION=60s load-tests/checkout.ts (settings: load-tests/README.md)
import { check, sleep } from 'k6';
import type { Options } from 'k6/options';
import { Counter, Trend } from 'k6/metrics';
import {
  bodyOf,
  createProduct,
  credentials,
  get,
  numberFrom,
  post,
  settled,
  summaryTrendStats,
  systemTags,
  type Cart,
  type Payment,
  type Product,
  type Reservation,
  type Response,
} from './shop/api.ts';

const quantity = numberFrom('QUANTITY', 2);
const thinkSeconds = numberFrom('THINK_TIME', 0);
const p95Ms = numberFrom('P95_MS', 400);
const steps = ['log in', 'create cart', 'fetch product', 'add item', 'reserve', 'pay'];

const journeys = new Counter('journeys');
const journeyDuration = new Trend('journey_duration', true);

// `scenario:default` leaves out setup(). A threshold that always holds is how k6 is told to keep a step's own percentiles.
export const options: Options = {
  vus: numberFrom('VUS', 50),
  duration: __ENV.DURATION ?? '30s',
  setupTimeout: '2m',
  systemTags,
  summaryTrendStats,
  tags: { stack: __ENV.STACK ?? 'unknown' },
  thresholds: {
    'http_req_failed{scenario:default}': [__ENV.FAILED ?? 'rate==0'],
    checks: [__ENV.CHECKS ?? 'rate==1'],
    'http_req_duration{scenario:default}': [`p(95)<${p95Ms}`],
    'http_reqs{scenario:default}': ['count>0'],
    journeys: ['count>0'],
    ...Object.fromEntries(steps.map((name) => [`http_req_duration{name:${name}}`, ['max>=0']])),
  },
};

interface Sale {
  productId: string;
  run: string;
}

export function setup(): Sale {
  journeys.add(0); // without a sample k6 would skip the threshold
  const productId = __ENV.PRODUCT_ID ?? createProduct('Load test', 10_000_000).id;
  return { productId, run: `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}` };
}

export default function ({ productId, run }: Sale): void {
  const started = Date.now();
  try {
    journey(productId, `${run}-${__VU}-${__ITER}`);
    journeys.add(1);
    journeyDuration.add(Date.now() - started);
  } catch (error) {
    if (!complained) console.error(String(error)); // once per shopper: 500 shoppers in trouble would drown the reason
    complained = true;
    sleep(1);
  }
}

let complained = false;
let login = '';

function journey(productId: string, key: string): void {
  login ||= credentials(__VU);
  const session = step<{ accessToken: string }>(
    'log in',
    post('/api/sessions', login, 'log in'),
    201,
    (it) => it.accessToken.length > 0,
  );
  const token = session.accessToken;

  const cart = step<Cart>(
    'create cart',
    post('/api/carts', '{}', 'create cart', token),
    201,
    (it) => it.items.length === 0,
  );

  const product = step<Product>(
    'fetch product',
    get(`/api/products/${productId}`, 'fetch product'),
    200,
    (it) => it.id === productId && it.priceCents > 0 && it.available >= 0,
  );

  const line = JSON.stringify({ productId, quantity });
  step<Cart>(
    'add item',
    post(`/api/carts/${cart.id}/items`, line, 'add item', token),
    200,
    (it) =>
      it.id === cart.id &&
      it.items.length === 1 &&
      it.items[0]?.productId === productId &&
      it.items[0].quantity === quantity,
  );

  const reservation = step<Reservation>(
    'reserve',
    post('/api/reservations', JSON.stringify({ cartId: cart.id }), 'reserve', token, settled(`${key}-reserve`)),
    201,
    (it) => it.status === 'held' && it.totalCents === product.priceCents * quantity && it.currency === product.currency,
  );

  const purchase = JSON.stringify({ orderId: reservation.orderId, method: { token: 'tok_ok' } });
  step<Payment>(
    'pay',
    post('/api/payments', purchase, 'pay', token, settled(`${key}-pay`)),
    201,
    (it) =>
      it.status === 'captured' &&
      it.orderId === reservation.orderId &&
      it.amountCents === reservation.totalCents &&
      it.currency === reservation.currency,
  );
}

/** Checks status and body of one answer and returns the body; throws, and so ends the journey, where either is wrong. */
function step<T>(name: string, response: Response, status: number, isRight: (body: T) => boolean): T {
  let body: T | undefined;
  const right = check(response, {
    [name]: () => response.status === status && isRight((body = JSON.parse(response.body) as T)),
  });
  if (!right || body === undefined) {
    bodyOf(response, status);
    throw new Error(`${name}: not what was asked for: ${response.body.slice(0, 300)}`);
  }
  if (thinkSeconds > 0) sleep(thinkSeconds);
  return body;
}
