import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { databaseSchema } from '@flash-sale/shared/config.ts';
import { dashboard, service, stack } from '../dashboard.ts';
import { growthOfInstances, lines, perSecond, sumOfInstances } from '../influxql.ts';
import { graph } from '../panels.ts';
import { payments, reservations, unitsLeft } from './sale.ts';

/** Not what the services ask of each other, which only the sync stack does by HTTP. */
const publicRoutes = '"route" =~ /^.api./';

const throughput = graph({
  title: 'Requests per second',
  about:
    'What clients have been answered by each service, refusals included. A sudden fall while the sale runs, with no failures beside it, means that ' +
    'requests no longer arrive: look at nginx and at the network before the services.',
  unit: units.RequestsPerSecond,
  stacked: true,
  lines: {
    '[[tag_service]]': lines({
      select: perSecond('count'),
      from: 'http',
      where: publicRoutes,
      by: ['service'],
      fill: 0,
    }),
  },
});

const failures = graph({
  title: 'Failures per second',
  about:
    'Answers of 500 and above, by service and status. 503 is a service that protects itself: see what is waiting, below. 500 is ' +
    'a defect or a broken server: the log of that service says which. No data means none by a service; what nginx answers by ' +
    'itself (502, 503 and 504, when no instance does) is in its log alone.',
  unit: units.RequestsPerSecond,
  lines: {
    '[[tag_service]] [[tag_status]]': lines({
      select: perSecond('count'),
      from: 'http',
      where: `${publicRoutes} AND "status" =~ /^5/`,
      by: ['service', 'status'],
      fill: 0,
    }),
  },
});

const checkout = graph({
  title: 'Reserve and pay: p95',
  about:
    'The two requests that make money. The slower of the instances, so that the true value is never higher. When it climbs ' +
    'while CPU is free, something waits: see the next row. When CPU is used up, there are more shoppers than this machine can serve.',
  unit: units.Milliseconds,
  lines: {
    '[[tag_route]]': lines({
      select: 'max("p95_ms")',
      from: 'http',
      where: '"route" =~ /^.api.(reservations|payments)$/ AND "method" = \'POST\'',
      by: ['route'],
    }),
  },
});

const outbox = graph({
  title: 'Outbox depth',
  about:
    'Records that are committed but not yet delivered. It should fall to zero within seconds of a rush. What only grows ' +
    'cannot be delivered: the service that handles it, or RabbitMQ, is away. At the line new reservations are refused with 503.',
  unit: units.Short,
  limit: defaultOf('OUTBOX_BACKLOG_MAX'),
  lines: { '[[tag_service]]': lines({ select: 'max("outbox")', from: 'backlog', by: ['service'] }) },
});

const queue = graph({
  title: 'Queue depth',
  about:
    'Events in the queues of each service, about; only in the async stack. A queue that grows belongs to the slowest service: ' +
    'look at its CPU and batches, under Runtime. At the line new reservations are refused with 503.',
  unit: units.Short,
  limit: defaultOf('QUEUE_BACKLOG_MAX'),
  lines: { '[[tag_service]]': lines({ select: 'max("queue")', from: 'backlog', by: ['service'] }) },
});

const deadLetters = graph({
  title: 'Dead letters',
  about:
    'Events that lie aside because their service could not handle them; only in the async stack. Each is somebody’s ' +
    'purchase: look at them with npm run dlq -- list, put right what was wrong, and replay them.',
  unit: units.Short,
  limit: 1,
  lines: { '[[tag_service]]': lines({ select: 'max("dead")', from: 'backlog', by: ['service'] }) },
});

const putAside = graph({
  title: 'Put aside since the start, by cause',
  about:
    'How the dead letters came about; only in the async stack. Unreadable: somebody sends what is no event, or one of a newer ' +
    'version. Unhandleable: a defect, whose reason the log has. What its service died over was put aside by RabbitMQ, and is not counted here.',
  unit: units.Short,
  lines: {
    '[[tag_service]] [[tag_cause]]': sumOfInstances({ field: 'count', from: 'dead_letters', by: ['service', 'cause'] }),
  },
});

const waiting = graph({
  title: 'Waiting for a transaction',
  about:
    'Requests and events that wait for the next transaction of the instance where most wait. Hundreds are a busy moment: they ' +
    'share one transaction. What stays high means that PostgreSQL is slow. At the line requests are refused with 503.',
  unit: units.Short,
  limit: defaultOf('BATCH_QUEUE_MAX'),
  lines: { '[[tag_service]]': lines({ select: 'max("waiting")', from: 'backlog', by: ['service'] }) },
});

const refused = graph({
  title: 'Journeys refused since the start, by cause',
  about:
    'Log-ins, registrations and new carts that were answered with 503. Here: their own process had more under way than it got done ' +
    '(SHED_BEYOND_REQUESTS). Elsewhere: processes of the reservation service had, and log-ins were refused for them. Who had a cart was ' +
    'served. While it climbs, more shoppers come than can be, or a process is slow: see CPU per service, below, and the logs.',
  unit: units.Short,
  lines: {
    '[[tag_service]] [[tag_cause]]': sumOfInstances({ field: 'refused', from: 'journeys', by: ['service', 'cause'] }),
  },
});

const letIn = graph({
  title: 'Log-ins let in',
  about:
    'The share that each process of the user service lets in, by what those of the reservation service say. It falls while all of them have ' +
    'too much, down to 5 %, and grows again as soon as one has not. Where one process holds both services, it is always 100 %.',
  unit: units.PercentUnit,
  max: 1,
  lines: {
    '[[tag_service]]-[[tag_instance]]': lines({
      select: 'mean("let_in_share")',
      from: 'journeys',
      by: ['service', 'instance'],
    }),
  },
});

const passwordsWaiting = graph({
  title: 'Log-ins waiting for their password',
  about:
    'Log-ins and registrations whose password is yet to be hashed, in the instance where most wait. The line is as long as what can ' +
    'be hashed within PASSWORD_WAIT_MS: a crowd fills it at once, and it stays full until the crowd is in.',
  unit: units.Short,
  lines: { '[[tag_service]]': lines({ select: 'max("waiting")', from: 'passwords', by: ['service'] }) },
});

const passwordsHashed = graph({
  title: 'Passwords hashed per second',
  about:
    'By each instance; guaranteed are those that the service hashed itself, because the process beside got no processor. Those cost a ' +
    'sale some of its speed, at most one each 100 ms (PASSWORD_GUARANTEE_EVERY_MS). No log-in at all while some wait: see the log.',
  unit: units.OpsPerSecond,
  lines: {
    '[[tag_service]]-[[tag_instance]]': growthOfInstances({ field: 'hashed', from: 'passwords' }),
    '[[tag_service]]-[[tag_instance]] guaranteed': growthOfInstances({ field: 'guaranteed', from: 'passwords' }),
  },
});

const passwordsRefused = graph({
  title: 'Log-ins told to come later, since the start',
  about:
    'Answered with 503 because the line was full. With a turn: those who were promised one, and find a place when they come at that time. ' +
    'The others come from an address that has as many turns as one may have, or from a crowd that is too large for ten minutes.',
  unit: units.Short,
  lines: {
    '[[tag_service]]': sumOfInstances({ field: 'refused', from: 'passwords', by: ['service'] }),
    '[[tag_service]] with a turn': sumOfInstances({ field: 'promised', from: 'passwords', by: ['service'] }),
  },
});

const cpu = graph({
  title: 'CPU per service',
  about:
    'Of all instances of a service together; 100 % is one core. An instance can use little more than one core: a service ' +
    'near 100 % times its instances needs another instance, if the machine has a core left for it.',
  unit: units.Percent,
  lines: { '[[tag_service]]': sumOfInstances({ field: 'cpu_percent', from: 'process', by: ['service'] }) },
});

const memory = graph({
  title: 'Memory per service',
  about:
    'Resident memory of all instances of a service together. It grows with the first load and then stays. What goes on ' +
    'growing under even load is a leak: the heap, under Runtime, tells whether it is in JavaScript.',
  unit: units.BytesIEC,
  lines: { '[[tag_service]]': sumOfInstances({ field: 'rss_bytes', from: 'process', by: ['service'] }) },
});

const cpuSum = graph({
  title: 'Sum of CPU',
  about:
    'Of the services chosen, without PostgreSQL, Redis, RabbitMQ and nginx; 100 % is one core. Beside the requests per second ' +
    'it tells what a request costs, which is how the two stacks are compared.',
  unit: units.Percent,
  lines: { 'all services': sumOfInstances({ field: 'cpu_percent', from: 'process' }) },
});

const memorySum = graph({
  title: 'Sum of memory',
  about: 'Resident memory of the services chosen, without their servers. Keep it well below what the machine has.',
  unit: units.BytesIEC,
  lines: { 'all services': sumOfInstances({ field: 'rss_bytes', from: 'process' }) },
});

export const overview = (): Dashboard =>
  dashboard({
    uid: 'flash-sale-overview',
    title: 'Overview',
    description: 'The first look on the day of a sale: is it selling, does it keep up, and what does it cost.',
    variables: [stack(), service()],
    rows: [
      {
        title: 'Is it selling?',
        columns: 3,
        panels: [reservations(), payments(), unitsLeft('"service" = \'inventory\''), failures, checkout, throughput],
      },
      { title: 'Does it keep up?', columns: 3, panels: [outbox, waiting, queue, deadLetters, putAside, refused] },
      {
        title: 'Does everybody get in?',
        columns: 2,
        panels: [passwordsWaiting, passwordsHashed, passwordsRefused, letIn],
      },
      { title: 'What does it cost?', columns: 2, panels: [cpu, memory, cpuSum, memorySum] },
    ],
  });

/** A bound that holds unless the environment of a service says otherwise. */
function defaultOf(setting: 'OUTBOX_BACKLOG_MAX' | 'QUEUE_BACKLOG_MAX' | 'BATCH_QUEUE_MAX'): number {
  return databaseSchema.shape[setting].parse(undefined);
}
