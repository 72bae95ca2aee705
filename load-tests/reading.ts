// A sale at a fixed rate, and shoppers who look at what they have bought: k6 run -e RATE=20 -e READS=20 load-tests/reading.ts (settings: load-tests/README.md)
import { sleep } from 'k6';
import type { Options, Scenario } from 'k6/options';
import { Counter, Trend } from 'k6/metrics';
import { commonOptions, credentials, get, must, numberFrom, patientLogIn, type Response } from './shop/api.ts';
import { madeLater, openSale, purchase, type Bought, type Sale } from './shop/journeys.ts';

/** Purchases that begin in a second. */
const rate = numberFrom('RATE', 20);
/** What each who has bought looks at, one after the other. */
const readsOfPurchase = numberFrom('READS', 20);
/** Who buy nothing, and look without a pause. */
const readers = numberFrom('READERS', 0);
const seconds = numberFrom('SECONDS', 15);
/** Who buy; a purchase that finds none of them free is dropped, and counted by k6. */
const vus = numberFrom('VUS', 200);
const patienceMs = 60_000;

const purchases = new Counter('purchases');
const reads = new Counter('reads');
const readDuration = new Trend('read_duration', true);
const wrong = new Counter('wrong');

const buying: Scenario = {
  executor: 'constant-arrival-rate',
  exec: 'buy',
  rate,
  duration: `${seconds}s`,
  preAllocatedVUs: vus,
  maxVUs: vus,
  gracefulStop: '65s',
};
const looking: Scenario = {
  executor: 'constant-vus',
  exec: 'look',
  vus: readers,
  duration: `${seconds}s`,
  gracefulStop: '65s',
};

export const options: Options = {
  ...commonOptions,
  scenarios: { buying, ...(readers > 0 ? { looking } : {}) },
  thresholds: {
    purchases: ['count>0'],
    reads: ['count>=0'],
    read_duration: ['max>=0'],
    wrong: ['count==0'],
    dropped_iterations: ['count>=0'],
  },
};

export function setup(): Sale {
  for (const counter of [reads, wrong]) counter.add(0); // without a sample k6 would skip the threshold
  return openSale();
}

let token = '';
let complained = false;

/** Counts what is wrong, and says the first of it. */
function attempt(work: () => void): void {
  try {
    token ||= patientLogIn(credentials(__VU), Date.now() + patienceMs);
    work();
  } catch (error) {
    wrong.add(1);
    if (!complained) console.error(String(error)); // once per shopper: hundreds in trouble would drown the reason
    complained = true;
    sleep(1);
  }
}

export function buy({ productId, run }: Sale): void {
  attempt(() => {
    const bought = purchase(productId, `${run}-${__VU}-${__ITER}`, token, { settled: madeLater });
    purchases.add(1);
    for (let n = 0; n < readsOfPurchase; n += 1) read(n, bought);
  });
}

export function look(): void {
  attempt(() => read(__ITER % 2 === 0 ? 0 : 4));
}

/** What a shopper looks at next: their orders, one of them and what belongs to it, the shop window. */
function read(n: number, bought?: Bought): void {
  const asked: [path: string, isRight: (answer: Response) => boolean][] = [
    ['/api/orders?limit=20', (answer) => !bought || answer.json('items.0.id') === bought.orderId],
    [`/api/orders/${bought?.orderId}`, (answer) => answer.json('id') === bought?.orderId],
    [`/api/reservations/${bought?.reservationId}`, (answer) => answer.json('orderId') === bought?.orderId],
    [`/api/payments/${bought?.paymentId}`, (answer) => answer.json('status') === 'captured'],
    ['/api/products?limit=20', (answer) => (answer.json('items.#') as number) > 0],
  ];
  const [path, isRight] = asked[n % asked.length]!;
  const answer = get(path, 'read', token);
  must(answer, answer.status === 200 && isRight(answer));
  reads.add(1);
  readDuration.add(answer.timings.duration);
}
