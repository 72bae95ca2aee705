import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { request } from 'undici';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { withClient } from '../../infra/launcher/databases.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import { readProcesses } from '../lib/procfs.ts';
import { cpuSecondsOf, ownersOf, processTreesOf } from '../lib/usage.ts';
import type { Counters } from './results.ts';

type ServiceCounters = Counters['services'][ServiceName];

/** Everything that the stack has used since it was started. */
export async function readCounters(stack: Stack): Promise<Counters> {
  const trees = processTreesOf(stack.processes);
  const processes = readProcesses();
  const [postgres, redis, services] = await Promise.all([
    postgresCounters(stack),
    redisCounters(stack.redisUrl),
    serviceCounters(stack),
  ]);
  return {
    cpuSeconds: byComponent(cpuSecondsOf(processes, trees)),
    diskBytes: byComponent(diskBytesOf(ownersOf(processes, trees))),
    services,
    postgres,
    redis,
  };
}

/** What came to it in between. */
export function difference(before: Counters, after: Counters): Counters {
  return subtract(before, after) as Counters;
}

type Nested = number | { [key: string]: Nested };

function subtract(before: Nested | undefined, after: Nested): Nested {
  if (typeof after === 'number') return Math.max(0, after - (typeof before === 'number' ? before : 0));
  const from = typeof before === 'object' ? before : {};
  return Object.fromEntries(Object.entries(after).map(([key, value]) => [key, subtract(from[key], value)]));
}

/** `order-1` and `order-2` are one: the order service. */
function byComponent(byProcess: Map<string, number>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of byProcess) {
    const component = name.replace(/-\d+$/, '');
    sums[component] = (sums[component] ?? 0) + value;
  }
  return sums;
}

function diskBytesOf(owners: Map<number, string>): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const [pid, owner] of owners) bytes.set(owner, (bytes.get(owner) ?? 0) + writtenBytes(pid));
  return bytes;
}

/** What the process has sent to the disk, be it there yet or not; 0 for one that has just ended. */
function writtenBytes(pid: number): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function postgresCounters({ databaseUrls }: Stack): Promise<Counters['postgres']> {
  const rows = await Promise.all(
    Object.values(databaseUrls).map((url) =>
      withClient(url, async (client) => {
        const { rows } = await client.query<Record<keyof Counters['postgres'], string>>(
          `SELECT xact_commit AS commits, wal_bytes AS "walBytes", wal_sync AS "walSyncs",
                  pg_database_size(datname) AS "databaseBytes"
             FROM pg_stat_database, pg_stat_wal WHERE datname = current_database()`,
        );
        return rows[0]!;
      }),
    ),
  );
  const sum = (of: 'commits' | 'databaseBytes') => rows.reduce((sum, row) => sum + Number(row[of]), 0);
  // The log is one for all databases of a server.
  const { walBytes, walSyncs } = rows[0]!;
  return {
    commits: sum('commits'),
    walBytes: Number(walBytes),
    walSyncs: Number(walSyncs),
    databaseBytes: sum('databaseBytes'),
  };
}

async function redisCounters(url: string): Promise<Counters['redis']> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    const stats = await redis.info('stats');
    return { commands: Number(/^total_commands_processed:(\d+)/m.exec(stats)?.[1]) };
  } finally {
    redis.disconnect();
  }
}

async function serviceCounters({ processes }: Stack): Promise<Counters['services']> {
  const counted = Object.fromEntries(
    serviceNames.map((name) => [name, { transactions: 0, items: 0, transactionSeconds: 0, requests: 0 }]),
  ) as Counters['services'];
  for (const { service, port } of processes) {
    if (service === undefined) continue;
    const { body } = await request(`http://127.0.0.1:${port}/metrics`);
    const found = parseCounters(await body.text());
    for (const key of Object.keys(found) as (keyof ServiceCounters)[]) counted[service][key] += found[key];
  }
  return counted;
}

const metrics: Record<string, keyof ServiceCounters> = {
  flash_sale_batch_duration_seconds_count: 'transactions',
  flash_sale_batch_items_sum: 'items',
  flash_sale_batch_duration_seconds_sum: 'transactionSeconds',
  http_request_duration_seconds_count: 'requests',
};

/** The counters in a page of `/metrics`, series with different labels added up. */
export function parseCounters(text: string): ServiceCounters {
  const counters: ServiceCounters = { transactions: 0, items: 0, transactionSeconds: 0, requests: 0 };
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^(\w+)(?:\{.*\})? ([^ ]+)$/.exec(line) ?? [];
    const counter = metrics[name];
    if (counter) counters[counter] += Number(value);
  }
  return counters;
}
