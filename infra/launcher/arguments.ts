import { isLoopback } from '@flash-sale/shared/demo.ts';
import { layoutNames, layouts, type LayoutName } from '@flash-sale/shared/layouts.ts';
import {
  defaultStack,
  isStackName,
  layoutRefusal,
  stackNames,
  stacks,
  type StackName,
} from '@flash-sale/shared/stacks.ts';
import { layoutNamed, optionsIn, stackChoices, stackNamed, UsageError, wholeNumber } from '../command-line.ts';
import { listenAddress, UnusableHost } from './listen-address.ts';
import { isSetting } from './settings.ts';
import { serverProblems, settingProblems } from './usable-settings.ts';

/** The command line of `npm start`. */
export interface StartArguments {
  stack: StackName;
  layout: LayoutName;
  /** Of each service. */
  instances: number;
  port: number;
  host: string;
  metrics: boolean;
  /** Hot standbys of PostgreSQL, for reads. */
  replicas: number;
  /** Spans are kept for `npm run trace`. */
  traces: boolean;
  demo: boolean;
  /** That strangers may use the accounts of the demo is intended. */
  publicDemo: boolean;
  /** Settings of services, by name. */
  env: Record<string, string>;
}

/** Each copy of all services has some 25 connections to PostgreSQL, and these share 200. */
export const maxInstances = 6;

/** More of them are of no use on one machine. */
export const maxReplicas = 3;

/** A line for each choice, with what it is, and where it is the default. */
function choices<Name extends string>(
  all: Readonly<Record<Name, { title: string }>>,
  usual: (name: Name) => string | undefined,
): string {
  const names = Object.keys(all) as Name[];
  const width = Math.max(...names.map((name) => name.length));
  return names
    .map((name) => {
      const where = usual(name);
      return `                ${name.padEnd(width)} ${all[name].title}${where === undefined ? '' : ` (${where})`}`;
    })
    .join('\n');
}

/** For which stacks a layout is the default, and for which it is all that there is. */
function whereUsual(layout: LayoutName): string {
  const having = stackNames.filter((name) => stacks[name].layouts[0] === layout);
  const [only, usual] = [true, false].map((alone) =>
    having.filter((name) => (stacks[name].layouts.length === 1) === alone).join(', '),
  );
  return [usual && `the default of ${usual}`, only && `the only one of ${only}`].filter(Boolean).join('; ');
}

export const usage = `usage: npm start [-- --stack ${stackChoices}] [--layout ${layoutNames.join('|')}] [--instances 2] [--port 8080]
                    [--host 127.0.0.1] [--set NAME=VALUE] [--no-demo] [--public-demo] [--no-metrics] [--traces] [--replicas 0]

  --stack       how the services talk:
${choices(stacks, (name) => (name === defaultStack ? 'the default' : undefined))}
  --layout      which processes run them:
${choices(layouts, whereUsual)}
  --instances   how many of each service, at most ${maxInstances}; in the layout shared, how many processes
  --port        where the shop listens
  --host        the address it listens on; 0.0.0.0 opens it to the network, :: to that of IPv6 as well
  --set         a setting of the services, such as HOLD_TTL_MS=30000, or of nginx; may be given several times.
                A name alone takes its value from the environment. What there is: docs/settings.md, services/*/README.md, nginx/README.md
  --no-demo     loads no demo data; what a start with it has left is locked and out of the shop window
  --public-demo lets strangers use the demo, whose admin's password everybody knows; needed with --host
  --no-metrics  runs no InfluxDB beside it
  --replicas    how many hot standbys PostgreSQL has, at most ${maxReplicas}; shoppers read from them what is new enough
  --traces      keeps what each service does for whom, and how long it takes: npm run trace shows where the time of a purchase went`;

const [value, flag] = [{ type: 'string' }, { type: 'boolean', default: false }] as const;
const options = {
  stack: value,
  layout: value,
  instances: value,
  port: value,
  host: value,
  set: { type: 'string', multiple: true },
  'no-demo': flag,
  'public-demo': flag,
  'no-metrics': flag,
  traces: flag,
  replicas: value,
} as const;

/** Strict on purpose: a mistyped option must not start the wrong thing. @throws UsageError */
export function parseArguments(argv: string[]): StartArguments {
  const [first] = argv;
  if (first !== undefined && isStackName(first))
    throw new UsageError(`"${first}" alone: npm start -- --stack ${first}`);
  const given = optionsIn(argv, options);
  const stack = stackNamed(given.stack);
  const layout = given.layout === undefined ? stacks[stack].layouts[0] : layoutNamed(given.layout);
  const refusal = layoutRefusal(stack, layout);
  if (refusal !== undefined) throw new UsageError(refusal);
  const host = given.host === undefined ? '127.0.0.1' : parseHost(given.host);
  const port = wholeNumber('--port', given.port ?? '8080', 65_535);
  const env = Object.assign({}, ...(given.set ?? []).map(parseSetting)) as Record<string, string>;
  const replicas = wholeNumber('--replicas', given.replicas ?? '0', maxReplicas, 0);
  if (replicas > 0 && process.env.DATABASE_URL !== undefined)
    throw new UsageError('--replicas are of a PostgreSQL that the launcher runs, and DATABASE_URL names another');
  const problems = [...settingProblems(env, port).map((line) => `--set ${line}`), ...serverProblems(process.env)];
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  const [demo, publicDemo] = [!given['no-demo'], given['public-demo']];
  if (demo && !publicDemo && !isLoopback(host))
    throw new UsageError(
      `the demo has an admin whose password everybody knows, and ${host} is open to others: add --no-demo, or --public-demo`,
    );
  return {
    stack,
    layout,
    instances: wholeNumber('--instances', given.instances ?? '2', maxInstances),
    port,
    host,
    metrics: !given['no-metrics'],
    traces: given.traces,
    replicas,
    demo,
    publicDemo,
    env,
  };
}

/** A name alone takes its value from our own environment, as a password should. */
function parseSetting(text: string): Record<string, string> {
  const [, name, given] = /^([A-Z][A-Z0-9_]*)(?:=(.*))?$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`--set is NAME=VALUE, or a NAME of the environment, not "${text}"`);
  if (!isSetting(name))
    throw new UsageError(`no service has a setting ${name} that can be chosen here: docs/your-own-sale.md says which`);
  const value = given ?? process.env[name];
  if (value === undefined) throw new UsageError(`${name} is not in the environment: export it, or --set ${name}=VALUE`);
  return { [name]: value };
}

/** The host is written into nginx's configuration, so nothing but an address or a name may pass. */
function parseHost(value: string): string {
  const host = value.replace(/^\[(.*)\]$/, '$1'); // as in a URL
  try {
    listenAddress(host);
  } catch (error) {
    if (error instanceof UnusableHost) throw new UsageError(error.message);
    throw error;
  }
  return host;
}
