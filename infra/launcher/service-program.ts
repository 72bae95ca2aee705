import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { layouts, processOfServices, type LayoutName } from '@flash-sale/shared/layouts.ts';
import { settingOf } from '@flash-sale/shared/service/environments.ts';
import type { StackName } from '@flash-sale/shared/stacks.ts';
import { databasesOf, ownDatabaseOf, type DatabaseName } from './database-names.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { DatabaseUrls } from './databases.ts';
import type { Influxdb } from './influxdb.ts';
import type { Secrets } from './secrets.ts';
import type { Program } from './supervised.ts';
import type { RunAs } from './unprivileged.ts';

/** What all services of a stack have in common. */
export interface StackContext {
  stack: StackName;
  layout: LayoutName;
  databases: Record<DatabaseName, DatabaseUrls>;
  /** Of each replica; the instances share them in turn. */
  replicas: Record<DatabaseName, DatabaseUrls>[];
  redis: Record<ServiceName, string>;
  /** Only in a stack with RabbitMQ. */
  rabbitmq: Record<ServiceName, string> | undefined;
  /** Only of a stack with metrics. */
  influxdb: Influxdb | undefined;
  internalUrl: string;
  /** The user of the services, if we are root. */
  runAs: RunAs | undefined;
  secrets: Secrets;
  /** Compiled code is kept here: it saves a good part of a start. */
  compileCache: string;
  /** The folder with one folder per service. */
  servicesRoot: string;
  logsFolder: string;
  /** Where services write what they trace; undefined where they do not. */
  tracesFolder: string | undefined;
  /** With demo data, for a look around and for load tests. */
  demo: boolean;
  /** Password hashes that an instance computes at once: all of them share the processors of this machine. */
  passwordConcurrency: number;
  /** Set for every service, over what is said here. */
  extraEnv: Record<string, string>;
}

export interface Instance {
  service: ServiceName;
  instance: number;
  port: number;
}

/** A process of services: an instance of one, or of each. */
export interface ServiceProcess {
  /** Service and instance, as in `order-2`, or `services-2`. */
  name: string;
  instance: number;
  instances: Instance[];
}

/** The processes that run these instances in a layout. */
export function serviceProcesses(layout: LayoutName, instances: Instance[]): ServiceProcess[] {
  const processOf = ({ service, instance }: Instance) =>
    `${layouts[layout].together ? processOfServices : service}-${instance}`;
  const byName = Map.groupBy(instances, processOf);
  return [...byName].map(([name, own]) => ({ name, instance: own[0]!.instance, instances: own }));
}

/** Nothing of ours leaks in but this, so that a start is the same everywhere. */
const environmentOfAll = ({ compileCache }: StackContext): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '/',
  NODE_ENV: 'production',
  NODE_COMPILE_CACHE: compileCache,
});

/** The whole environment of an instance. */
export function environmentOf({ service, instance, port }: Instance, context: StackContext): Record<string, string> {
  const { databases, secrets } = context;
  const metrics = context.influxdb && {
    INFLUX_URL: context.influxdb.url,
    INFLUX_TOKEN: context.influxdb.token,
    INFLUX_ORG: context.influxdb.org,
    INFLUX_BUCKET: context.influxdb.bucket,
  };
  return {
    ...environmentOfAll(context),
    LAUNCHER_PIPE: '1',
    ...(context.runAs ? { RUN_AS: `${context.runAs.uid}:${context.runAs.gid}` } : {}),
    STACK: context.stack,
    SERVICE_INSTANCE: String(instance),
    HOST: '127.0.0.1',
    PORT: String(port),
    ...Object.fromEntries(databasesOf(service).map(({ setting, name }) => [`${setting}_URL`, databases[name].runtime])),
    ...readUrlOf({ service, instance }, context),
    ...(service === 'user'
      ? { TOKEN_KEYS: secrets.tokenKey, PASSWORD_CONCURRENCY: String(context.passwordConcurrency) }
      : {}),
    REDIS_URL: context.redis[service],
    ...(context.rabbitmq ? { AMQP_URL: context.rabbitmq[service] } : {}),
    ...metrics,
    ...(context.tracesFolder === undefined ? {} : { TRACES_DIR: context.tracesFolder }),
    INTERNAL_URL: context.internalUrl,
    INTERNAL_TOKEN: secrets.internalToken,
    JWT_SECRET: secrets.jwtSecret,
    ORDER_ID_SECRET: secrets.orderIdSecret,
    // Load comes from this machine. In a shop that is for real, so does whatever a proxy on this machine passes on.
    ...(context.demo ? { RATE_LIMIT_EXEMPT: '127.0.0.0/8,::1/128' } : {}),
    LOG_LEVEL: 'info',
    ...context.extraEnv,
  };
}

function readUrlOf(
  { service, instance }: Pick<Instance, 'service' | 'instance'>,
  { replicas }: Pick<StackContext, 'replicas'>,
): Record<string, string> {
  const own = ownDatabaseOf(service);
  const replica = own && replicas[(instance - 1) % replicas.length];
  return replica ? { READ_DATABASE_URL: replica[own].runtime } : {};
}

/** What a process runs, and with which environment. */
function commandOf({ instances }: ServiceProcess, context: StackContext) {
  const [first] = instances;
  if (!layouts[context.layout].together)
    return { main: join(context.servicesRoot, first!.service, 'src/main.ts'), env: environmentOf(first!, context) };
  const ofEach = instances.flatMap((one) =>
    Object.entries(environmentOf(one, context)).map(([name, value]) => [settingOf(one.service, name), value] as const),
  );
  // Settings of Node among them, such as NODE_OPTIONS, are the process's.
  const env = { ...environmentOfAll(context), ...context.extraEnv, ...Object.fromEntries(ofEach) };
  return { main: join(context.servicesRoot, 'main.ts'), env };
}

export function serviceProgram(ofServices: ServiceProcess, context: StackContext): Program {
  const { name, instances } = ofServices;
  const { main, env } = commandOf(ofServices, context);
  return {
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', main],
    env,
    cwd: context.servicesRoot,
    input: 'open-pipe',
    logFile: join(context.logsFolder, `${name}.log`),
    stopSignal: 'SIGTERM',
    stopWithinMs: 10_000,
    deathSignal: 'SIGTERM',
    isReady: async () => (await Promise.all(instances.map(({ port }) => answersReady(port)))).every(Boolean),
  };
}

/** The script that loads a service's demo data, or ends the demo, if it has any. */
export function demoScript(service: ServiceName, servicesRoot: string, name: 'demo' | 'demo-end'): string | undefined {
  const script = join(servicesRoot, service, `src/${name}.ts`);
  return existsSync(script) ? script : undefined;
}

function answersReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/readyz', timeout: 2_000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(false));
    asked.end();
  });
}
