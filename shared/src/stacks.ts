import { layouts, type LayoutName } from './layouts.ts';

/** What one architecture of the shop is like. Whatever differs between stacks asks this, never the name of a stack. */
export interface StackDescription {
  /** One line for people: how its services talk, and how nginx balances them. */
  title: string;
  /** How events travel from service to service: `transportFor` has a transport for each. */
  events: 'http' | 'amqp' | 'in-process';
  /** How nginx chooses among the instances of a service. */
  balancing: 'round-robin' | 'least-connections';
  /** The servers that it needs beyond PostgreSQL, Redis and nginx. */
  servers: readonly 'rabbitmq'[];
  /** Which processes may run its services; the first where nobody has chosen. */
  layouts: readonly [LayoutName, ...LayoutName[]];
}

const list = {
  sync: {
    title: 'HTTP behind round-robin nginx',
    events: 'http',
    balancing: 'round-robin',
    servers: [],
    layouts: ['separate', 'shared'],
  },
  async: {
    title: 'RabbitMQ behind least-connections nginx',
    events: 'amqp',
    balancing: 'least-connections',
    servers: ['rabbitmq'],
    layouts: ['separate', 'shared'],
  },
  monolith: {
    title: 'calls within the process that holds all services, behind round-robin nginx',
    events: 'in-process',
    balancing: 'round-robin',
    servers: [],
    layouts: ['shared'],
  },
} as const satisfies Record<string, StackDescription>;

/** The names are in settings, files and results that others keep: `STACK`, run/stack.json, tags in InfluxDB. */
export type StackName = keyof typeof list;

/** Every stack there is, in the order in which commands and tests go through them. */
export const stacks: Readonly<Record<StackName, StackDescription>> = list;

export const stackNames = Object.keys(list) as readonly StackName[];

/** Where nobody has chosen. */
export const defaultStack: StackName = 'async';

export const isStackName = (text: string): text is StackName => Object.hasOwn(list, text);

/** Whether a stack's events travel through a RabbitMQ, be it its own or one that is given. */
export const needsRabbitmq = (stack: StackName): boolean => stacks[stack].servers.includes('rabbitmq');

/** Why a stack cannot run in a layout, in one line; undefined where it can. */
export function layoutRefusal(stack: StackName, layout: LayoutName): string | undefined {
  const possible = stacks[stack].layouts;
  if (possible.includes(layout)) return undefined;
  const named = possible.map((name) => `${name} (${layouts[name].title})`).join(' and ');
  return `the stack ${stack} has the layout ${named}, not ${layout}`;
}
