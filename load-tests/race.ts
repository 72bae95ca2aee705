// 2,000 shoppers, 100 units, one moment: k6 run load-tests/race.ts (settings: load-tests/README.md)
import { check, sleep } from 'k6';
import http from 'k6/http';
import type { Options } from 'k6/options';
import { Counter, Gauge, Trend } from 'k6/metrics';
import {
  addItem,
  bodyOf,
  commonOptions,
  createCart,
  createProduct,
  credentials,
  get,
  numberFrom,
  patientLogIn,
  reserve,
  type Product,
  type Reservation,
  type Response,
} from './shop/api.ts';

const stock = numberFrom('STOCK', 100);
const buyers = numberFrom('BUYERS', 2_000);
const prepareSeconds = numberFrom('PREPARE_SECONDS', 30);
const waitSeconds = 10;
const winners = Math.min(stock, buyers);

const sold = new Counter('sold');
const soldOut = new Counter('sold_out');
const other = new Counter('other');
const soldDuration = new Trend('sold_duration', true);
const soldOutDuration = new Trend('sold_out_duration', true);
/** By the clock of this machine: whoever watches its processors is to know what they did for the race alone. */
const startsAt = new Gauge('starts_at_ms');

// Log-ins that are turned away for the moment are repeated, and being sold out is an answer, not a failure.
http.setResponseCallback(http.expectedStatuses(200, 201, 409, 429, 503));

export const options: Options = {
  ...commonOptions,
  scenarios: {
    race: { executor: 'per-vu-iterations', vus: buyers, iterations: 1, maxDuration: `${prepareSeconds + 60}s` },
  },
  thresholds: {
    sold: [`count==${winners}`],
    sold_out: [`count==${buyers - winners}`],
    other: ['count==0'],
    checks: ['rate==1'],
    'http_req_duration{name:reserve}': ['max>=0'],
  },
};

interface Race {
  product: Product;
  startsAtMs: number;
}

export function setup(): Race {
  for (const counter of [sold, soldOut, other]) counter.add(0); // without a sample k6 would skip the threshold
  const product = createProduct('Race', stock);
  const startsAtMs = Date.now() + prepareSeconds * 1_000;
  startsAt.add(startsAtMs);
  return { product, startsAtMs };
}

/**
 * Each shopper prepares a cart in his own time and then waits for the start. Carts prepared by setup() would have to be
 * handed over as its result, and k6 gives every one of the 2,000 a copy of all 2,000.
 */
export default function ({ product, startsAtMs }: Race): void {
  let token = '';
  let cartId: string | undefined;
  try {
    sleep((Math.random() * prepareSeconds) / 2);
    token = patientLogIn(credentials(__VU), startsAtMs);
    const cart = createCart(token);
    addItem(cart, product.id, 1, token);
    cartId = cart;
  } catch (error) {
    console.error(`shopper ${__VU} did not get to the start: ${String(error)}`);
  }
  const waitMs = startsAtMs - Date.now();
  if (cartId === undefined || waitMs < 0) {
    if (cartId !== undefined) console.error(`shopper ${__VU} came ${-waitMs} ms late: give more PREPARE_SECONDS`);
    other.add(1);
    return;
  }
  sleep(waitMs / 1_000);
  record(reserve(cartId, `${product.id}-${__VU}`, waitSeconds, token), product);
}

function record(response: Response, product: Product): void {
  const is = outcomeOf(response, product);
  if (is === 'sold') {
    sold.add(1);
    soldDuration.add(response.timings.duration);
  } else if (is === 'sold-out') {
    soldOut.add(1);
    soldOutDuration.add(response.timings.duration);
  } else {
    other.add(1);
    console.error(`reserve answered ${response.status}: ${String(response.body).slice(0, 300)}`);
  }
}

function outcomeOf(response: Response, product: Product): 'sold' | 'sold-out' | 'other' {
  if (response.status === 201) {
    const it = JSON.parse(response.body) as Reservation;
    const right = it.status === 'held' && it.totalCents === product.priceCents && it.currency === product.currency;
    return right ? 'sold' : 'other';
  }
  if (response.status !== 409) return 'other';
  return (JSON.parse(response.body) as { type: string }).type.endsWith('/problems/sold-out') ? 'sold-out' : 'other';
}

export function teardown({ product }: Race): void {
  sleep(2); // the shop window follows the stock within moments
  const left = bodyOf<Product>(get(`/api/products/${product.id}`, 'fetch product'), 200).available;
  check(left, { 'the shop shows what is left': () => left === stock - winners });
}
