import { join } from 'node:path';
import { version1 } from './influxdb-1.ts';
import { version2 } from './influxdb-2.ts';
import { influxql } from './influxql.ts';
import { runCommand } from './run-command.ts';
import type { Program } from './supervised.ts';
import type { RunAs } from './unprivileged.ts';

export interface InfluxdbPorts {
  /** Where the services write and everybody asks. */
  api: number;
  /** Of InfluxDB 1.x itself, behind the nginx at `api`; and the one of its backups, which it cannot do without. */
  server: number;
  rpc: number;
}

export interface InfluxdbOptions {
  /** `influxd`, 1.x or 2.x. */
  executable: string;
  nginx: string;
  /** Of the server's user, for the data. */
  folder: string;
  /** Of who starts it, for the nginx in front of 1.x. */
  frontFolder: string;
  logsFolder: string;
  ports: InfluxdbPorts;
  token: string;
  runAs: RunAs | undefined;
  /** Of the nginx in front of it. */
  frontRunsAs: RunAs | undefined;
}

/** How the services write to it, and where InfluxQL is asked. */
export interface Influxdb {
  url: string;
  token: string;
  org: string;
  bucket: string;
  /** Database, user and password included: append `&q=`. */
  queryUrl: string;
  /** In the order of their start, and the ports at which they answer. */
  programs: { program: Program; port: number }[];
  setUp: VersionParts['setUp'];
}

/** What differs between the versions. */
export type InfluxdbVersion = (options: InfluxdbOptions, names: InfluxdbNames) => Promise<VersionParts> | VersionParts;

export interface InfluxdbNames {
  user: string;
  org: string;
  /** The database of 1.x. */
  bucket: string;
  retentionDays: number;
}

export interface VersionParts {
  /** What to run InfluxDB itself with, and where it then answers. */
  server: { args: string[]; port: number };
  /** What must run before it, and longer. */
  front?: { program: Program; port: number };
  /** Makes user and database where they are missing, once it answers. */
  setUp: (influxdb: Pick<Influxdb, 'url' | 'queryUrl' | 'token'>) => Promise<void>;
}

const names: InfluxdbNames = { user: 'flash_sale', org: 'flash-sale', bucket: 'flash_sale', retentionDays: 7 };

/** Prepares an InfluxDB of whichever version this is: 2.x as it is, 1.x with an nginx in front that translates. */
export async function influxdbAt(options: InfluxdbOptions): Promise<Influxdb> {
  const { executable, ports, token } = options;
  const { output } = await runCommand(executable, ['version']);
  const version = /\bv?(\d+)\.\d+/.exec(output)?.[1];
  if (version !== '1' && version !== '2') throw new Error(`${executable} is neither InfluxDB 1 nor 2: ${output}`);
  const { server, front, setUp } = await (version === '1' ? version1 : version2)(options, names);
  const url = `http://127.0.0.1:${ports.api}`;
  const credentials = new URLSearchParams({ db: names.bucket, u: names.user, p: token });
  return {
    url,
    token,
    org: names.org,
    bucket: names.bucket,
    queryUrl: `${url}/query?${credentials.toString()}`,
    programs: [...(front ? [front] : []), { program: influxd(options, server), port: server.port }],
    setUp,
  };
}

/** Makes its user and its database where they are missing, after its start. @throws when it knows another password */
export async function setUpInfluxdb(influxdb: Influxdb): Promise<void> {
  await influxdb.setUp(influxdb);
  await influxql(influxdb.queryUrl, 'SHOW MEASUREMENTS LIMIT 1');
}

function influxd(
  { executable, folder, logsFolder, runAs }: InfluxdbOptions,
  { args, port }: VersionParts['server'],
): Program {
  return {
    name: 'influxdb',
    command: executable,
    args,
    env: { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C' },
    cwd: folder,
    runAs,
    input: 'none',
    logFile: join(logsFolder, 'influxdb.log'),
    stopSignal: 'SIGINT', // at SIGTERM, InfluxDB 2 falls dead with its requests open
    stopWithinMs: 10_000,
    deathSignal: 'SIGTERM',
    isReady: () => answersPing(port),
  };
}

async function answersPing(port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(1_000);
  return fetch(`http://127.0.0.1:${port}/ping`, { signal }).then(
    (response) => response.ok,
    () => false,
  );
}
