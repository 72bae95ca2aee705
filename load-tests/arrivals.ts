// Shoppers who come whether or not the shop keeps up: k6 run -e RATE=100 load-tests/arrivals.ts (settings: load-tests/README.md)
import execution from 'k6/execution';
import type { Options } from 'k6/options';
import { Counter, Trend } from 'k6/metrics';
import { commonOptions, credentials, made, must, numberFrom, post, type Judge } from './shop/api.ts';
import {
  journeyDuration,
  journeys,
  madeLater,
  openSale,
  purchase,
  stepsOfPurchase,
  type Sale,
} from './shop/journeys.ts';

/** Journeys that begin in a second. */
const rate = numberFrom('RATE', 50);
const seconds = numberFrom('SECONDS', 15);
/** Until then they grow from none to that many; what begins meanwhile is not measured. */
const rampSeconds = numberFrom('RAMP_SECONDS', 5);
/** The quiet time after the crowd, of which each second has figures of its own. */
const afterRate = numberFrom('AFTER_RATE', 0);
const afterSeconds = numberFrom('AFTER_SECONDS', 0);
/** An arrival that finds none of them free is dropped, and counted by k6. */
const vus = numberFrom('VUS', 500);
const steps = ['log in', ...stepsOfPurchase];
const phases = ['load', ...Array.from({ length: afterSeconds }, (_, second) => `after-${second}`)];

const arrived = new Counter('arrived');
const shed = new Counter('shed');
const wrong = new Counter('wrong');
const refusalDuration = new Trend('refusal_duration', true);

// A threshold that always holds is how k6 is told to keep figures of its own.
const kept = phases.flatMap((phase): [string, string[]][] => [
  [`arrived{phase:${phase}}`, ['count>=0']],
  [`shed{phase:${phase}}`, ['count>=0']],
  [`journeys{phase:${phase}}`, ['count>=0']],
  [`journey_duration{phase:${phase}}`, ['max>=0']],
]);
const ofSteps = steps.map((name): [string, string[]] => [
  `http_req_duration{phase:load,name:${name},expected_response:true}`,
  ['max>=0'],
]);
const stage = (target: number, length: number) => ({ target: Math.round(target), duration: `${length}s` });

export const options: Options = {
  ...commonOptions,
  scenarios: {
    default: {
      executor: 'ramping-arrival-rate',
      startRate: 0,
      stages: [
        stage(rate, rampSeconds),
        stage(rate, seconds),
        ...(afterSeconds > 0 ? [stage(afterRate, 0), stage(afterRate, afterSeconds)] : []),
      ],
      preAllocatedVUs: vus,
      maxVUs: vus,
      gracefulStop: '65s', // what is under way is to end by itself: what is cut off is not counted
    },
  },
  thresholds: {
    wrong: ['count==0'],
    'journeys{phase:load}': ['count>0'],
    'refusal_duration{phase:load}': ['max>=0'],
    'shed{phase:load,name:create cart}': ['count>=0'],
    dropped_iterations: ['count>=0'],
    ...Object.fromEntries([...kept, ...ofSteps]),
  },
};

export function setup(): Sale {
  for (const counter of [shed, wrong]) counter.add(0, { phase: 'load' }); // without a sample k6 would skip the threshold
  return openSale();
}

/** Refused at the beginning, and told when to come again: what a shop does with more shoppers than it can serve. */
class Shed extends Error {}

let complained = false;
let login = '';

export default function ({ productId, run }: Sale): void {
  execution.vu.metrics.tags.phase = phaseNow();
  arrived.add(1);
  const startedMs = Date.now();
  try {
    journey(productId, `${run}-${__VU}-${__ITER}`);
    journeyDuration.add(Date.now() - startedMs);
    journeys.add(1, { phase: phaseNow() }); // of the time in which it was finished, not of that in which it began
  } catch (error) {
    if (error instanceof Shed) return;
    wrong.add(1);
    if (!complained) console.error(String(error)); // once per shopper: hundreds in trouble would drown the reason
    complained = true;
  }
}

function phaseNow(): string {
  const passed = (Date.now() - execution.scenario.startTime) / 1_000 - rampSeconds;
  if (passed < 0) return 'ramp';
  return passed < seconds ? 'load' : `after-${Math.floor(passed - seconds)}`;
}

function journey(productId: string, key: string): void {
  login ||= credentials(__VU);
  const session = begun(post('/api/sessions', login, 'log in'), 'log in');
  const token = session.json('accessToken') as string;
  must(session, token.length > 0);
  purchase(productId, key, token, { begun, settled: madeLater });
}

/** The answer to a step with which a journey begins. @throws Shed */
const begun: Judge = (answer, name) => {
  if (answer.status !== 503 || !(Number(answer.headers['Retry-After']) > 0)) return made(answer, name);
  must(answer, answer.json('type') === '/problems/overloaded');
  shed.add(1, { name });
  refusalDuration.add(answer.timings.duration);
  throw new Shed();
};
