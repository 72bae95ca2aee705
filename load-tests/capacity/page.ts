import { serviceNames } from '@flash-sale/contract/services.ts';
import { needsRabbitmq } from '@flash-sale/shared/stacks.ts';
import type { Block, Document } from '../report/document.ts';
import { busyShare, costsOf, limitsAt, needsAt, type Costs, type Limit, type Needs } from './needs.ts';
import type { Capacity, StackCosts } from './results.ts';

const rates = [1_000, 10_000, 100_000] as const;
const components = [...serviceNames, 'nginx', 'postgres', 'redis', 'rabbitmq'] as const;

/** From what a checkout has cost to what a crowd needs, every figure from the one measurement. */
export function pageOf({ startedAt, machine, stacks }: Capacity): Document {
  const costs = stacks.map((stack) => ({ stack, costs: costsOf(stack) }));
  const measured = stacks
    .map(
      (s) =>
        `${s.stack}: ${number(s.checkouts)} checkouts in ${s.seconds} s by ${s.vus} shoppers, ${s.failed} requests failed`,
    )
    .join('; ');
  return {
    title: 'Capacity',
    blocks: [
      paragraph(
        `What a checkout costs, and what 1,000, 10,000 and 100,000 a second would need. Measured by npm run capacity on ${startedAt.slice(0, 10)}: ${machine.cores} cores (${machine.cpu}), commit ${machine.commit}, k6 on the same cores; ${measured}. Counted is everything from the first request to the end of the last chain of events, divided by the checkouts. A checkout is six requests: log in with a password that the service remembers, create a cart, fetch the product, add it, reserve, pay.`,
      ),
      { kind: 'heading', text: 'What one checkout costs' },
      costTable(costs),
      paragraph(
        'Not counted: the first log-in of a shopper, which is 10 to 17 ms of processor time for argon2id; those who look and do not buy; and the crowd that comes too late, whom the gate turns away before a transaction.',
      ),
      { kind: 'heading', text: 'What that asks for' },
      paragraph(
        `Processor time in proportion, and processors busy for ${busyShare * 100} % of their time. A core here is one of the measured machine. What is not proportional errs on the safe side: with more load more requests share a transaction, and each costs less. An instance is one Node process, which uses one core at most. Replicas of PostgreSQL and of RabbitMQ's queues come on top: plan for the same processors, disk and network again for each.`,
      ),
      ...costs.map(({ stack, costs }) => needTable(stack, costs)),
      { kind: 'heading', text: 'What gives first' },
      paragraph(
        'What each rate needs of one server of a kind, against what such a server can give; the tightest first. What is above 100 % has to be divided before that rate is reached.',
      ),
      ...costs.flatMap(({ stack, costs }) =>
        rates.map((rate) => limitTable(stack, rate, limitsAt(costs, needsAt(costs, rate)))),
      ),
      { kind: 'heading', text: 'What to do about it' },
      { kind: 'list', items: remedies(costs.map(({ costs }) => costs)) },
      paragraph(
        'A cell is a whole shop: its own databases, broker and cache, with its own products. Nothing joins two products but the cart that has both, so cells need share nothing but the accounts, and ten of them carry ten times the load. That is the way beyond some ten thousand a second, and a failure then reaches one cell. Nothing of it is built in: what leads a shopper to the cell of a product is yours to put in front.',
      ),
      paragraph(
        'These are calculations, not measurements: nothing above the measured rate has been run. Before a sale, measure on the machines that will carry it (npm run capacity, npm run sweep), and load the real thing once.',
      ),
    ],
  };
}

type OfStack = { stack: StackCosts; costs: Costs };

function costTable(stacks: OfStack[]): Block {
  const row = (name: string, value: (costs: Costs) => string) => [name, ...stacks.map(({ costs }) => value(costs))];
  const cpu = (name: string, of: (costs: Costs) => number | undefined) =>
    row(`processor time, ${name}`, (costs) => (of(costs) === undefined ? '–' : `${of(costs)!.toFixed(2)} ms`));
  return {
    kind: 'table',
    caption: 'Of one checkout',
    head: ['', ...stacks.map(({ stack }) => stack.stack)],
    rows: [
      ...components.map((name) => cpu(labelOf(name), ({ cpuMs }) => cpuMs[name])),
      cpu('in all', ({ cpuMs }) => Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0)),
      row('requests that services answer, those of other services included', ({ requests }) => requests.toFixed(1)),
      row('transactions', ({ transactions }) => transactions.toFixed(2)),
      row('commits, reads included', ({ commits }) => commits.toFixed(1)),
      row('waits for the disk of PostgreSQL', ({ walSyncs }) => walSyncs.toFixed(2)),
      row('written to the log of PostgreSQL', ({ walBytes }) => `${(walBytes / 1e3).toFixed(1)} kB`),
      row('more in the databases afterwards', ({ storedBytes }) => `${(storedBytes / 1e3).toFixed(1)} kB`),
      row('commands to Redis', ({ redisCommands }) => redisCommands.toFixed(1)),
      row('events published, and brought to a service', ({ events, deliveries }) =>
        events ? `${events}, ${deliveries}` : '–',
      ),
      row('messages to and from RabbitMQ in which they travel, at most', ({ events, messages }) =>
        events ? messages.toFixed(1) : '–',
      ),
      row('written to the disk by RabbitMQ', ({ events, brokerDiskBytes }) =>
        events ? `${(brokerDiskBytes / 1e3).toFixed(1)} kB` : '–',
      ),
    ],
  };
}

function needTable({ stack }: StackCosts, costs: Costs): Block {
  const needs = rates.map((rate) => needsAt(costs, rate));
  const hasBroker = needsRabbitmq(stack);
  const row = (name: string, value: (needs: Needs) => string) => [name, ...needs.map(value)];
  const cores =
    (...names: string[]) =>
    (of: Needs) =>
      number(names.reduce((sum, name) => sum + (of.cores[name] ?? 0), 0));
  return {
    kind: 'table',
    caption: `Checkouts a second, ${stack} stack`,
    head: ['', ...rates.map(number)],
    rows: [
      ...serviceNames.map((name) => row(`instances of ${name}`, ({ instances }) => number(instances[name]))),
      row('cores for services', cores(...serviceNames)),
      row('cores for nginx', cores('nginx')),
      row('cores for PostgreSQL', cores('postgres')),
      row('cores for Redis', cores('redis')),
      ...(hasBroker ? [row('cores for RabbitMQ', cores('rabbitmq'))] : []),
      row('connections to PostgreSQL, at most', ({ connections }) => number(connections)),
      row('log of PostgreSQL, MB/s', ({ walBytesPerSecond }) => number(walBytesPerSecond / 1e6)),
      row('more data, GB in an hour', ({ storedBytesPerHour }) => number(storedBytesPerHour / 1e9)),
      row('commands to Redis a second', ({ redisCommandsPerSecond }) => number(redisCommandsPerSecond)),
      ...(hasBroker
        ? [
            row('messages a second, at most', ({ messagesPerSecond }) => number(messagesPerSecond)),
            row('disk of RabbitMQ, MB/s', ({ brokerDiskBytesPerSecond }) => number(brokerDiskBytesPerSecond / 1e6)),
          ]
        : []),
    ],
  };
}

function limitTable({ stack }: StackCosts, rate: number, limits: Limit[]): Block {
  return {
    kind: 'table',
    caption: `${number(rate)} checkouts a second, ${stack} stack`,
    head: ['', 'needs', 'one can give', 'of that', 'arithmetic', 'the limit is'],
    rows: limits.map(({ resource, need, limit, unit, arithmetic, because }) => [
      resource,
      `${number(need)} ${unit}`,
      number(limit),
      `${number((100 * need) / limit)} %`,
      arithmetic,
      because,
    ]),
  };
}

function remedies(costs: Costs[]): string[] {
  const limits = costs.flatMap((one) => limitsAt(one, needsAt(one, rates[0])));
  return [...new Map(limits.map(({ resource, remedy }) => [resource, `${resource}: ${remedy}`])).values()];
}

const labels: Partial<Record<(typeof components)[number], string>> = {
  postgres: 'PostgreSQL',
  redis: 'Redis',
  rabbitmq: 'RabbitMQ',
};
const labelOf = (name: (typeof components)[number]) => labels[name] ?? name;
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });

/** Two digits are as exact as an extrapolation may look. */
function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 0 : 1;
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits });
}
