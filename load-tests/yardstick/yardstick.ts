// What this machine can do at most with k6 beside it: GET / of hello.ts through nginx, with the least k6 can do per request.
import http from 'k6/http';
import type { Options } from 'k6/options';
import { baseUrl, numberFrom, summaryTrendStats, systemTags } from '../shop/api.ts';

export const options: Options = {
  vus: numberFrom('VUS', 500),
  duration: __ENV.DURATION ?? '20s',
  systemTags,
  summaryTrendStats,
  thresholds: {
    'http_req_failed{scenario:default}': ['rate==0'],
    'http_req_duration{scenario:default}': ['max>=0'],
    'http_reqs{scenario:default}': ['count>0'],
  },
};

export default function (): void {
  http.get(baseUrl, { tags: { name: 'hello' } });
}
