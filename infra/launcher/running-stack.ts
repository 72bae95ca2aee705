import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LayoutName } from '@flash-sale/shared/layouts.ts';
import type { StackName } from '@flash-sale/shared/stacks.ts';
import type { DatabaseName } from './database-names.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { servicesIn, type Stack, type StackProcess } from './stack-types.ts';
import { writeWhole } from './whole-file.ts';

/** What other commands need to know about the stack that runs, as its launcher has written it down. */
export interface RunningStack {
  launcher: ProcessIdentity;
  stack: StackName;
  /** Not in what an earlier release has written. */
  layout?: LayoutName;
  url: string;
  internalUrl: string;
  dataDir: string;
  databaseUrls: Record<DatabaseName, string>;
  redisUrl: string;
  /** Only of a stack with RabbitMQ. */
  amqpUrl?: string | undefined;
  /** Only of a stack with metrics: where InfluxQL is asked, database, user and password included. */
  influxUrl?: string | undefined;
  outboxMaxAttempts?: number | undefined;
  processes: StackProcess[];
}

/** No stack runs here. */
export class NotRunning extends Error {}

/** Where `npm start` keeps its data. A test takes another place, to leave alone what its developer runs. */
export const defaultDataDir = resolve(process.env.FLASH_SALE_DATA_DIR ?? join(import.meta.dirname, '../../.local'));

/** The stack that `npm start` runs, or the one of another data folder. Throws NotRunning. */
export function findRunningStack(dataDir = defaultDataDir): RunningStack {
  const missing = new NotRunning('No stack is running. Start one first: npm start');
  let found: RunningStack;
  try {
    found = JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as RunningStack;
  } catch {
    throw missing;
  }
  if (!isAlive(found.launcher)) throw missing;
  return found;
}

/** Only its owner may read it: it holds passwords. */
export function recordRunningStack(stack: Stack): void {
  const launcher = identityOf(process.pid) ?? { pid: process.pid, startedAt: '' };
  const { url, internalUrl, dataDir, databaseUrls, redisUrl, amqpUrl, influxUrl, outboxMaxAttempts, processes } = stack;
  const record: RunningStack = {
    launcher,
    stack: stack.stack,
    layout: stack.layout,
    url,
    internalUrl,
    dataDir,
    databaseUrls,
    redisUrl,
    amqpUrl,
    influxUrl,
    outboxMaxAttempts,
    processes,
  };
  const targets = processes.flatMap((one) =>
    servicesIn(one).map(({ service, port }) => {
      return { targets: [`127.0.0.1:${port}`], labels: { instance: `${service}-${one.instance}` } };
    }),
  );
  writeWhole(targetsIn(dataDir), targets, 0o644);
  writeWhole(fileIn(dataDir), record, 0o600);
}

export function forgetRunningStack(dataDir: string): void {
  rmSync(fileIn(dataDir), { force: true });
  rmSync(targetsIn(dataDir), { force: true });
}

/** Where Prometheus finds the services: infra/prometheus/prometheus.yml names it. */
function targetsIn(dataDir: string): string {
  return join(dataDir, 'run/prometheus.json');
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'run/stack.json');
}
