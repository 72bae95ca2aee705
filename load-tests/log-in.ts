// Every shopper logs in a few times: k6 run -e VUS=500 load-tests/log-in.ts (settings: load-tests/README.md)
import { check } from 'k6';
import type { Options } from 'k6/options';
import { Counter } from 'k6/metrics';
import { commonOptions, credentials, numberFrom, patientLogIn } from './shop/api.ts';

const logIns = new Counter('log_ins');
const patienceMs = 60_000;

export const options: Options = {
  ...commonOptions,
  scenarios: {
    logIns: {
      executor: 'per-vu-iterations',
      vus: numberFrom('VUS', 50),
      // Each instance remembers passwords for itself, and which one is asked is nginx's choice: with eight, of 500 shoppers a handful
      // were still unknown to one of two, and refused there while the load left no processor for their hash.
      iterations: numberFrom('LOG_INS', 20),
      maxDuration: __ENV.DURATION ?? '3m',
    },
  },
  thresholds: { checks: ['rate==1'], log_ins: ['count>0'] },
};

export default function (): void {
  const token = patientLogIn(credentials(__VU), Date.now() + patienceMs);
  check(token, { 'a token comes': () => token.length > 0 });
  logIns.add(1);
}
