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
import { layoutNamed, stackChoices, stackNamed, UsageError } from '../command-line.ts';
import { listenAddress, UnusableHost } from './listen-address.ts';
import { isSetting } from './settings.ts';

/** The command line of `npm start`. */
export interface StartArguments {
  stack: StackName;
  layout: LayoutName;
  /** Of each service. */
  instances: number;
  port: number;
  host: string;
  metrics: boolean;
  demo: boolean;
  /** That strangers may use the accounts of the demo is intended. */
  publicDemo: boolean;
  /** Settings of services, by name. */
  env: Record<string, string>;
}

/** The layout has its default by the stack, which may be given after it. */
type Given = Omit<StartArguments, 'layout'> & Partial<Pick<StartArguments, 'layout'>>;

/** Each copy of all services has some 25 connections to PostgreSQL, and these share 200. */
const maxInstances = 6;

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
                    [--host 127.0.0.1] [--set NAME=VALUE] [--no-demo] [--public-demo] [--no-metrics]

  --stack       how the services talk:
${choices(stacks, (name) => (name === defaultStack ? 'the default' : undefined))}
  --layout      which processes run them:
${choices(layouts, whereUsual)}
  --instances   how many of each service, at most ${maxInstances}; in the layout shared, how many processes
  --port        where the shop listens
  --host        the address it listens on; 0.0.0.0 opens it to the network, :: to that of IPv6 as well
  --set         a setting of the services, such as HOLD_TTL_MS=30000, or of nginx; may be given several times.
                A name alone takes its value from the environment. What there is: services/*/src/config.ts, nginx/README.md
  --no-demo     loads no demo data; what a start with it has left is locked and out of the shop window
  --public-demo lets strangers use the demo, whose admin's password everybody knows; needed with --host
  --no-metrics  runs no InfluxDB beside it`;

const takesValue = ['--stack', '--layout', '--instances', '--port', '--host', '--set'];

/** Strict on purpose: a mistyped option must not start the wrong thing. Throws UsageError. */
export function parseArguments(argv: string[]): StartArguments {
  const result: Given = {
    stack: defaultStack,
    instances: 2,
    port: 8080,
    host: '127.0.0.1',
    metrics: true,
    demo: true,
    publicDemo: false,
    env: {},
  };
  const rest = argv.flatMap(splitEquals);
  while (rest.length > 0) {
    const option = rest.shift() ?? '';
    if (option === '--no-metrics') result.metrics = false;
    else if (option === '--no-demo') result.demo = false;
    else if (option === '--public-demo') result.publicDemo = true;
    else if (takesValue.includes(option)) takeValue(option, rest.shift(), result);
    else if (isStackName(option)) throw new UsageError(`"${option}" alone: npm start -- --stack ${option}`);
    else throw new UsageError(`unknown argument "${option}"`);
  }
  if (result.demo && !result.publicDemo && !isLoopback(result.host))
    throw new UsageError(
      `the demo has an admin whose password everybody knows, and ${result.host} is open to others: add --no-demo, or --public-demo`,
    );
  const { stack, layout = stacks[stack].layouts[0] } = result;
  const refusal = layoutRefusal(stack, layout);
  if (refusal !== undefined) throw new UsageError(refusal);
  return { ...result, layout };
}

function takeValue(option: string, value: string | undefined, result: Given): void {
  if (value === undefined || value.startsWith('--')) throw new UsageError(`${option} needs a value`);
  if (option === '--stack') result.stack = stackNamed(value);
  else if (option === '--layout') result.layout = layoutNamed(value);
  else if (option === '--instances') result.instances = wholeNumber(option, value, maxInstances);
  else if (option === '--port') result.port = wholeNumber(option, value, 65_535);
  else if (option === '--set') Object.assign(result.env, parseSetting(value));
  else result.host = parseHost(value);
}

function splitEquals(argument: string): string[] {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1;
  return at < 0 ? [argument] : [argument.slice(0, at), argument.slice(at + 1)];
}

function wholeNumber(option: string, value: string, max: number): number {
  const number = Number(value);
  if (/^\d{1,5}$/.test(value) && number >= 1 && number <= max) return number;
  throw new UsageError(`${option} is a number from 1 to ${max}, not "${value}"`);
}

/** A name alone takes its value from our own environment, as a password should. The services check the value. */
function parseSetting(text: string): Record<string, string> {
  const [, name, given] = /^([A-Z][A-Z0-9_]*)(?:=(.*))?$/.exec(text) ?? [];
  const value = given ?? process.env[name ?? ''];
  if (name === undefined || value === undefined) throw new UsageError(`--set is NAME=VALUE, not "${text}"`);
  if (!isSetting(name)) throw new UsageError(`no service has a setting ${name} that can be chosen here`);
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
