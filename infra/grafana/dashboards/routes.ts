import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { dashboard, service, stack } from '../dashboard.ts';
import { lines, perSecond, rows } from '../influxql.ts';
import { graph, table } from '../panels.ts';

const byRoute = { from: 'http', by: ['method', 'route'] };
const routeName = '[[tag_method]] [[tag_route]]';

const summary = table({
  title: 'Routes in the time shown',
  about:
    'Requests, their mean and the slowest one are exact. The percentiles are those of the worst second, because percentiles ' +
    'of seconds do not add up to one of the whole time. Sort by requests times mean to find where the time goes.',
  unit: units.Milliseconds,
  units: { requests: units.Short },
  query: rows({
    ...byRoute,
    select:
      'sum("count") AS "requests", sum("sum_ms") / sum("count") AS "mean", max("p95_ms") AS "p95 of the worst second", ' +
      'max("p99_ms") AS "p99 of the worst second", max("max_ms") AS "slowest"',
  }),
});

const throughput = graph({
  title: 'Requests per second',
  about:
    'By route, refusals and failures included. It tells what shoppers are doing, and which route a load comes from.',
  unit: units.RequestsPerSecond,
  lines: { [routeName]: lines({ ...byRoute, select: perSecond('count'), fill: 0 }) },
});

const mean = graph({
  title: 'Mean',
  about:
    'Exact, over all instances. A mean that rises with all routes at once is a busy machine; with one, its own work.',
  unit: units.Milliseconds,
  lines: { [routeName]: lines({ ...byRoute, select: 'sum("sum_ms") / sum("count")' }) },
});

const aboutPercentiles =
  'Of the slowest instance and second in each step, so that the true value is never higher. Requests that wait for an ' +
  'outcome because they asked to (Prefer: wait) count with their whole wait.';

const percentiles = ([50, 95, 99] as const).map((p) =>
  graph({
    title: `p${p}`,
    about: aboutPercentiles,
    unit: units.Milliseconds,
    lines: { [routeName]: lines({ ...byRoute, select: `max("p${p}_ms")` }) },
  }),
);

/** The answers of one class of status, 4 or 5. */
const answersOf = (statusClass: 4 | 5) => ({
  [`[[tag_status]] ${routeName}`]: lines({
    from: 'http',
    by: ['status', 'method', 'route'],
    select: perSecond('count'),
    where: `"status" =~ /^${statusClass}/`,
    fill: 0,
  }),
});

const failures = graph({
  title: 'Failures per second',
  about:
    'Answers of 500 and above. No data means none by a service; what nginx answers itself is not counted. 503 on one route is a bound that it has of its own; on all ' +
    'routes of a service, its database is away.',
  unit: units.RequestsPerSecond,
  lines: answersOf(5),
});

const refusals = graph({
  title: 'Refusals per second',
  about:
    'Answers from 400 to 499: what the shop says no to, as it should. 409 is sold out, 402 a declined card, 429 somebody who ' +
    'asks too often. 499 is a client that left before its answer. Much 401 or 422 is a client that is broken, or an attack.',
  unit: units.RequestsPerSecond,
  lines: answersOf(4),
});

export const routes = (): Dashboard =>
  dashboard({
    uid: 'flash-sale-routes',
    title: 'Routes',
    description: 'What each route is asked for, how long it takes, and what it refuses or fails.',
    variables: [stack(), service()],
    rows: [
      { title: 'What goes wrong', columns: 2, panels: [failures, refusals] },
      { title: 'How long it takes', columns: 2, panels: [mean, ...percentiles] },
      { title: 'How much there is', columns: 1, panels: [throughput, summary] },
    ],
  });
