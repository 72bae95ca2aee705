// Everybody logs in at once, and comes back when told to: k6 run -e VUS=2000 load-tests/crowd.ts (settings: load-tests/README.md)
import { check, sleep } from 'k6';
import type { Options } from 'k6/options';
import { Counter, Trend } from 'k6/metrics';
import { commonOptions, credentials, numberFrom, patientSession } from './shop/api.ts';

const shoppers = numberFrom('VUS', 2_000);
const lastMs = numberFrom('LAST_MS', 120_000);
const refusedMs = numberFrom('REFUSED_MS', 10_000);
const triesMax = numberFrom('TRIES_MAX', 3);

const letIn = new Counter('let_in');
/** From the start of the crowd; its `max` is when the last one was in. */
const letInAfter = new Trend('let_in_after', true);
const refusals = new Counter('refusals');
/** How long somebody waits to hear that there is no place for now. */
const refusedAfter = new Trend('refused_after', true);
/** What they are told then. */
const toldToWait = new Trend('told_to_wait', true);
const tries = new Trend('tries');

export const options: Options = {
  ...commonOptions,
  scenarios: {
    crowd: { executor: 'per-vu-iterations', vus: shoppers, iterations: 1, maxDuration: `${lastMs / 1_000 + 65}s` },
  },
  thresholds: {
    let_in: [`count==${shoppers}`],
    let_in_after: [`max<${lastMs}`],
    refusals: ['count>=0'],
    refused_after: [`max<${refusedMs}`],
    told_to_wait: ['max>=0'],
    tries: [`max<=${triesMax}`],
    checks: ['rate==1'],
  },
};

export function setup(): { startsAtMs: number } {
  letIn.add(0); // without a sample k6 would skip the threshold
  return { startsAtMs: Date.now() + 1_000 };
}

export default function ({ startsAtMs }: { startsAtMs: number }): void {
  sleep(Math.max(0, startsAtMs - Date.now()) / 1_000);
  let own = 1;
  const session = patientSession(credentials(__VU), startsAtMs + lastMs, (refusal) => {
    own += 1;
    refusals.add(1);
    refusedAfter.add(refusal.timings.duration);
    const retryAfter = refusal.headers['Retry-After'];
    toldToWait.add(Number(retryAfter) * 1_000);
    check(retryAfter, { 'who is refused is told when to come back': (told) => /^[1-9]\d*$/.test(told ?? '') });
  });
  letIn.add(1);
  letInAfter.add(Date.now() - startsAtMs);
  tries.add(own);
  check(session, { 'a session is opened': ({ accessToken }) => accessToken.length > 0 });
}
