// Ten endpoints under one constant load, for `npm run sweep`: k6 run -e VUS=50 load-tests/endpoints.ts (settings: load-tests/README.md)
import { check, sleep } from 'k6';
import execution from 'k6/execution';
import type { Options } from 'k6/options';
import { Counter } from 'k6/metrics';
import { endpoints, type Endpoint } from './objectives.ts';
import {
  addItem,
  commonOptions,
  createCart,
  createProduct,
  credentials,
  get,
  keyed,
  must,
  numberFrom,
  post,
  reserve,
  type Response,
} from './shop/api.ts';

const seconds = numberFrom('SECONDS', 30);
/** The beginning, in which all shoppers take the same step at the same moment, is not measured. */
const rampSeconds = numberFrom('RAMP_SECONDS', seconds / 4);
const quantity = 1;
const waitSeconds = 10;

const journeys = new Counter('journeys');
const wrong = new Counter('wrong');

// A threshold that always holds is how k6 is told to keep figures of its own for a step.
const kept = endpoints.flatMap((name): [string, string[]][] => [
  [`http_reqs{phase:steady,name:${name}}`, ['count>=0']],
  [`http_req_failed{phase:steady,name:${name}}`, ['rate>=0']],
  [`http_req_duration{phase:steady,name:${name},expected_response:true}`, ['max>=0']],
  [`wrong{phase:steady,name:${name}}`, ['count>=0']],
]);

export const options: Options = {
  ...commonOptions,
  vus: numberFrom('VUS', 50),
  duration: `${seconds}s`,
  thresholds: {
    checks: ['rate==1'],
    'http_req_duration{phase:steady,expected_response:true}': ['max>=0'],
    'journeys{phase:steady}': ['count>=0'],
    ...Object.fromEntries(kept),
  },
};

interface Sale {
  productId: string;
  run: string;
}

export function setup(): Sale {
  const run = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
  return { productId: createProduct('Sweep', 10_000_000).id, run };
}

/** A journey ends with the step that is under way when time is up, so that slow answers at the end are measured like all others. */
class TimeIsUp extends Error {}

let at: Endpoint | undefined;
let complained = false;

export default function ({ productId, run }: Sale): void {
  let failure: unknown;
  try {
    journey(productId, `${run}-${__VU}-${__ITER}`);
    journeys.add(1);
  } catch (error) {
    if (error instanceof TimeIsUp) return;
    failure = error;
    if (at !== undefined) wrong.add(1, { name: at });
    if (!complained) console.error(String(error)); // once per shopper: 500 shoppers in trouble would drown the reason
    complained = true;
    sleep(1);
  }
  check(failure, { 'every answer is what was asked for': () => failure === undefined });
}

function journey(productId: string, key: string): void {
  const tokens = session(step('log in', () => post('/api/sessions', credentials(__VU), 'log in')));
  const renewal = JSON.stringify({ refreshToken: tokens.refreshToken });
  const token = session(step('refresh', () => post('/api/sessions/refresh', renewal, 'refresh'))).accessToken;

  const page = step('list products', () => get('/api/products?limit=20', 'list products'));
  must(page, page.status === 200 && page.json('items.#') === 20);
  const product = step('fetch product', () => get(`/api/products/${productId}`, 'fetch product'));
  must(product, product.status === 200 && product.json('id') === productId);
  const totalCents = (product.json('priceCents') as number) * quantity;

  const cartId = step('create cart', () => createCart(token));
  step('add item', () => addItem(cartId, productId, quantity, token));

  const held = step('reserve', () => reserve(cartId, `${key}-reserve`, waitSeconds, token));
  must(held, held.status === 201 && held.json('status') === 'held' && held.json('totalCents') === totalCents);
  const reservation = `/api/reservations/${held.json('id') as string}`;
  const shown = step('read reservation', () => get(reservation, 'read reservation', token));
  must(shown, shown.status === 200 && shown.json('status') === 'held' && shown.json('totalCents') === totalCents);

  const orderId = held.json('orderId') as string;
  const purchase = JSON.stringify({ orderId, method: { token: 'tok_ok' } });
  const paid = step('pay', () => post('/api/payments', purchase, 'pay', token, keyed(`${key}-pay`, waitSeconds)));
  must(paid, paid.status === 201 && paid.json('status') === 'captured' && paid.json('amountCents') === totalCents);
  const order = step('read order', () => get(`/api/orders/${orderId}`, 'read order', token));
  must(order, order.status === 200 && order.json('id') === orderId && order.json('totalCents') === totalCents);
}

function session(response: Response): { accessToken: string; refreshToken: string } {
  must(response, response.status === 201);
  const accessToken = response.json('accessToken') as string;
  const refreshToken = response.json('refreshToken') as string;
  must(response, accessToken.length > 0 && refreshToken.length > 0);
  return { accessToken, refreshToken };
}

/** Takes the step, unless time is up. What it asks and what goes wrong until the next step belongs to this endpoint. */
function step<Result>(name: Endpoint, take: () => Result): Result {
  const passedMs = Date.now() - execution.scenario.startTime;
  if (passedMs > seconds * 1_000) throw new TimeIsUp();
  execution.vu.metrics.tags.phase = passedMs < rampSeconds * 1_000 ? 'ramp' : 'steady';
  at = name;
  return take();
}
