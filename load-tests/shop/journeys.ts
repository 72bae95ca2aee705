import { check, sleep } from 'k6';
import type { Options } from 'k6/options';
import { Counter, Trend } from 'k6/metrics';
import {
  addItem,
  commonOptions,
  createCart,
  createProduct,
  get,
  keyed,
  made,
  must,
  numberFrom,
  post,
  reserve,
  type Judge,
} from './api.ts';

/* What scripts whose virtual users shop over and over have in common. */

const quantity = numberFrom('QUANTITY', 2);
const thinkSeconds = numberFrom('THINK_TIME', 0);
/** 0 asks for no outcome: the journey then ends with the reservation, which the async stack has only accepted (202). */
const waitSeconds = numberFrom('WAIT', 10);
/** For what was accepted for later. */
const longestWaitSeconds = 30;
const p95Ms = numberFrom('P95_MS', 400);

export const journeys = new Counter('journeys');
export const journeyDuration = new Trend('journey_duration', true);
export const stepsOfPurchase = [
  'create cart',
  'fetch product',
  'add item',
  'reserve',
  ...(waitSeconds > 0 ? ['pay'] : []),
];

/**
 * `scenario:default` leaves out setup(). A threshold that always holds is how k6 is told to keep a step's own percentiles.
 * @param firstStep by its `name`
 */
export const journeyOptions = (firstStep: string): Options => ({
  ...commonOptions,
  scenarios: {
    default: {
      executor: 'constant-vus',
      vus: numberFrom('VUS', 50),
      duration: __ENV.DURATION ?? '30s',
      gracefulStop: '65s', // a request that hangs is to fail by k6's own limit of 60 s: one that is cut off is not counted
    },
  },
  thresholds: {
    'http_req_failed{scenario:default}': [__ENV.FAILED ?? 'rate==0'],
    checks: [__ENV.CHECKS ?? 'rate==1'],
    'http_req_duration{scenario:default}': [`p(95)<${p95Ms}`],
    'http_reqs{scenario:default}': ['count>0'],
    journeys: ['count>0'],
    ...Object.fromEntries(
      [firstStep, ...stepsOfPurchase].map((name) => [`http_req_duration{name:${name}}`, ['max>=0']]),
    ),
  },
});

export interface Sale {
  productId: string;
  run: string;
}

/** For setup(). */
export function openSale(): Sale {
  journeys.add(0); // without a sample k6 would skip the threshold
  const productId = __ENV.PRODUCT_ID ?? createProduct('Load test', 10_000_000).id;
  return { productId, run: `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}` };
}

let complained = false;

/** Takes one journey, counts it, and checks that nothing in it was wrong. @param journey is given a key that no other has */
export function take({ run }: Sale, journey: (key: string) => void): void {
  const started = Date.now();
  let failure: unknown;
  try {
    journey(`${run}-${__VU}-${__ITER}`);
    journeys.add(1);
    journeyDuration.add(Date.now() - started);
  } catch (error) {
    failure = error;
    if (!complained) console.error(String(error)); // once per shopper: 500 shoppers in trouble would drown the reason
    complained = true;
    sleep(1);
  }
  check(failure, { 'every answer is what was asked for': () => failure === undefined });
}

/** As `made`; what was accepted for later is asked for until it is there. */
export const madeLater: Judge = (answer, name, token) => {
  if (answer.status !== 202) return made(answer, name);
  const settled = get(answer.headers.Location ?? '', `${name}, later`, token, { Prefer: `wait=${longestWaitSeconds}` });
  must(settled, settled.status === 200);
  return settled;
};

/** What a purchase has made. */
export interface Bought {
  reservationId: string;
  orderId: string;
  /** Undefined where nothing was asked to be paid. */
  paymentId?: string;
}

/**
 * Create cart → fetch product → add item → reserve → pay. Throws at the first answer that is not right; of the cart's
 * judges `begun`, of those to reserve and to pay `settled`.
 */
export function purchase(productId: string, key: string, token: string, { begun = made, settled = made } = {}): Bought {
  const cartId = createCart(token, begun);
  think();

  const product = get(`/api/products/${productId}`, 'fetch product');
  must(product, product.status === 200);
  const priceCents = product.json('priceCents') as number;
  const currency = product.json('currency') as string;
  must(product, product.json('id') === productId && priceCents > 0 && (product.json('available') as number) >= 0);
  think();

  addItem(cartId, productId, quantity, token);
  think();

  const taken = reserve(cartId, `${key}-reserve`, waitSeconds, token);
  const mayBePending = waitSeconds === 0 && taken.status === 202;
  const reservation = mayBePending ? taken : settled(taken, 'reserve', token);
  const orderId = reservation.json('orderId') as string;
  const totalCents = priceCents * quantity;
  must(
    reservation,
    mayBePending
      ? reservation.json('status') === 'pending' && orderId.length > 0
      : reservation.json('status') === 'held' &&
          reservation.json('totalCents') === totalCents &&
          reservation.json('currency') === currency,
  );
  const bought = { reservationId: reservation.json('id') as string, orderId };
  think();
  if (waitSeconds === 0) return bought;

  const order = JSON.stringify({ orderId, method: { token: 'tok_ok' } });
  const accepted = post('/api/payments', order, 'pay', token, keyed(`${key}-pay`, waitSeconds));
  const payment = settled(accepted, 'pay', token);
  must(
    payment,
    payment.json('status') === 'captured' &&
      payment.json('orderId') === orderId &&
      payment.json('amountCents') === totalCents &&
      payment.json('currency') === currency,
  );
  think();
  return { ...bought, paymentId: payment.json('id') as string };
}

export function think(): void {
  if (thinkSeconds > 0) sleep(thinkSeconds);
}
