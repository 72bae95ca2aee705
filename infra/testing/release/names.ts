import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { problemInfo, type ProblemCode } from '@flash-sale/contract/api/operation.ts';
import { openApiDocument } from '@flash-sale/contract/api/openapi.ts';
import { errorTable } from '@flash-sale/contract/errors.ts';
import { subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { topology, type Topology } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { composeFileOf } from '../../docker/compose-files.ts';
import { setupBrokerSchema, setupSchema } from '../../docker/setup-config.ts';
import { influxql } from '../../launcher/influxql.ts';
import { runCommand } from '../../launcher/run-command.ts';
import { settingsOf } from '../../launcher/settings.ts';
import { servicesIn, type Stack } from '../../launcher/stack-types.ts';
import { folderOf } from './fixture.ts';

const root = join(import.meta.dirname, '../../..');

/** Names of a release by which others use it: scripts, dashboards, configurations, clients. Each list is sorted. */
export interface TreeNames {
  /** Of each service, and of the set-up in containers. */
  settings: Record<string, string[]>;
  /** The last part of a problem's `type`. */
  problems: string[];
  /** As in `GET /api/orders/{id}`. */
  routes: string[];
  /** The events that each service handles. */
  events: Record<string, string[]>;
  topology: Topology;
  /** Options and sub-commands of each npm script, as its help tells them. */
  commands: Record<string, string[]>;
  /** Variables that the compose files read. */
  compose: string[];
}

/** What only a running stack tells. */
export interface RunningNames {
  /** At `/metrics` of each service. */
  metrics: string[];
  /** In InfluxDB, the fields and tags of each measurement. */
  measurements: Record<string, string[]>;
  /** The keys of run/stack.json. */
  stackFile: string[];
}

/** Of each kind of line in the logs, its fields. */
export type LogNames = Record<string, string[]>;

export interface Names extends TreeNames {
  running: Record<string, RunningNames>;
  log: Record<string, LogNames>;
}

/** The names in this tree. Asks each command for its help. */
export async function namesOfTree(): Promise<TreeNames> {
  const schemas = { ...settingsOf, setup: setupSchema, 'setup-broker': setupBrokerSchema };
  const { paths } = openApiDocument();
  const methods = ['get', 'post', 'put', 'patch', 'delete'];
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations as object).flatMap((method) =>
      methods.includes(method) ? `${method.toUpperCase()} ${path}` : [],
    ),
  );
  const edge = ['uri-too-long', 'headers-too-large', 'bad-gateway', 'gateway-timeout'] as const;
  const codes: ProblemCode[] = [...(Object.keys(errorTable) as ProblemCode[]), ...edge];
  const mapped = <Value>(object: Record<string, Value>, names: (value: Value) => string[]) =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, sorted(names(value))]));
  return {
    settings: mapped(schemas as Record<string, { shape: object }>, ({ shape }) => Object.keys(shape)),
    problems: sorted(codes.map((code) => problemInfo(code).type)),
    routes: sorted(routes),
    events: mapped(subscriptions, (types) => [...types]),
    topology,
    commands: await commandNames(),
    compose: sorted(composeFiles().flatMap((text) => [...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name!))),
  };
}

/** What a stack with metrics tells of itself. InfluxDB is asked until it has them all. */
export async function namesOfRunning(stack: Stack): Promise<RunningNames> {
  const pages = await Promise.all(
    stack.processes
      .flatMap(servicesIn)
      .map(({ port }) => fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text())),
  );
  const metrics = pages.flatMap((page) => [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
  const file = JSON.parse(readFileSync(join(stack.dataDir, 'run/stack.json'), 'utf8')) as object;
  return {
    metrics: sorted(metrics),
    measurements: stack.influxUrl === undefined ? {} : await measurements(stack.influxUrl),
    stackFile: sorted(Object.keys(file)),
  };
}

/** Kinds of lines that somebody may look for; that of a request has no words of its own. */
const lookedFor = [
  'event put aside',
  'outbox swept',
  'batch',
  'product created',
  'product changed',
  'product restocked',
];

/** The fields in the logs of a stack so far. */
export function namesInLogs(dataDir: string): LogNames {
  const found: Record<string, Set<string>> = {};
  const folder = join(dataDir, 'logs');
  for (const file of readdirSync(folder).filter((name) => /-\d+\.log$/.test(name))) {
    for (const text of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const line = lineOf(text);
      if (line) for (const key of Object.keys(line.fields)) (found[line.kind] ??= new Set()).add(key);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([kind, fields]) => [kind, sorted([...fields])]));
}

function lineOf(text: string): { kind: string; fields: object } | undefined {
  if (!/^\{.*\}$/.test(text)) return undefined;
  const fields = JSON.parse(text) as { msg?: string; method?: string; status?: number };
  // What comes with a failure comes with that alone.
  if (fields.msg === undefined) return fields.method && fields.status! < 500 ? { kind: 'request', fields } : undefined;
  return lookedFor.includes(fields.msg) ? { kind: fields.msg, fields } : undefined;
}

async function measurements(influxUrl: string): Promise<Record<string, string[]>> {
  const series = [...(await influxql(influxUrl, 'SHOW FIELD KEYS')), ...(await influxql(influxUrl, 'SHOW TAG KEYS'))];
  const found: Record<string, string[]> = {};
  for (const { name, values } of series) (found[name] ??= []).push(...values.map(([key]) => String(key)));
  return Object.fromEntries(Object.entries(found).map(([name, keys]) => [name, sorted(keys)]));
}

async function commandNames(): Promise<Record<string, string[]>> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const found: Record<string, string[]> = {};
  for (const [script, command] of Object.entries(scripts)) {
    const [, file] = /^exec node (infra\/\S+\.mjs)$/.exec(command) ?? [];
    if (file === undefined) continue;
    const { output } = await runCommand(process.execPath, [join(root, file), '--help'], { cwd: root });
    const options = [...output.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option);
    const words = [...output.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, word]) => word!);
    found[script] = sorted([...options, ...words]);
  }
  return found;
}

function composeFiles(): string[] {
  const files = [...stackNames.map(composeFileOf), 'infra/docker/services.yml', 'infra/docker/servers.yml'];
  return files.flatMap((file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : []));
}

const sorted = (names: string[]): string[] => [...new Set(names)].sort();

/** The names of a release of which there is a fixture. */
export const namesOfRelease = (release: string): Names =>
  JSON.parse(readFileSync(join(folderOf(release), 'names.json'), 'utf8')) as Names;
