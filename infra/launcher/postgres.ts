import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { runCommand } from './run-command.ts';
import type { Program } from './supervised.ts';
import { writeFor, type RunAs } from './unprivileged.ts';

export interface PostgresOptions {
  /** `postgres` and `initdb`. */
  executables: string[];
  /** A folder of the server's user. */
  folder: string;
  logFile: string;
  port: number;
  password: string;
  runAs: RunAs | undefined;
  /** False only for tests: a commit then is not on disk when it is answered. */
  durable: boolean;
  /** How many standbys follow it; none unless given. */
  replicas?: number;
  signal?: AbortSignal | undefined;
  say?: (line: string) => void;
}

export function postgresUrl(port: number, password: string): string {
  return `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
}

/** Sets up the data folder if there is none yet, and answers the program that serves it. */
export async function postgresProgram(options: PostgresOptions): Promise<Program> {
  const data = dataIn(options.folder);
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(data, options);
  return programOf('postgres', options, settings(options));
}

export const dataIn = (folder: string): string => join(folder, 'cluster');

/** The program that serves the data in a folder. */
export function programOf(
  name: string,
  { executables, folder, logFile, port, password, runAs }: Omit<PostgresOptions, 'durable'>,
  given: ReturnType<typeof settings>,
): Program {
  return {
    name,
    command: executables[0] ?? 'postgres',
    args: ['-D', dataIn(folder), ...Object.entries(given).flatMap(([setting, value]) => ['-c', `${setting}=${value}`])],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    cwd: folder,
    runAs,
    input: 'none',
    logFile,
    stopSignal: 'SIGINT', // "fast": rolls back what is open, and writes a checkpoint
    stopWithinMs: 20_000,
    deathSignal: 'SIGQUIT', // "immediate": the log brings everything back at the next start
    isReady: () => answers(postgresUrl(port, password), folder),
  };
}

/** With their reasons; infra/docker/servers.yml has those that do not depend on where the server is. */
export function settings({
  port,
  durable,
  replicas = 0,
}: Pick<PostgresOptions, 'port' | 'durable' | 'replicas'>): Record<string, string | number> {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '256MB',
    // What was answered survives a power failure. Batches make this affordable, so it is not for sale.
    fsync: durable ? 'on' : 'off',
    synchronous_commit: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    // Where nobody replicates from this server its log need not carry more than a recovery reads.
    wal_level: replicas > 0 ? 'replica' : 'minimal',
    // Of each one that follows, and one that sends the log beside a copy; a copy takes two meanwhile.
    max_wal_senders: 3 * replicas,
    ...(replicas > 0 ? { wal_keep_size: '1GB' } : {}),
    wal_buffers: '16MB',
    // Seldom checkpoints, spread out: each one makes the next change of every page cost a whole page in the log.
    max_wal_size: '4GB',
    min_wal_size: '256MB',
    checkpoint_timeout: '15min',
    checkpoint_completion_target: 0.9,
    // Few statements run longer than it takes to compile them.
    jit: 'off',
    random_page_cost: 1.1,
    // The hot rows are updated thousands of times a second; their dead versions should not pile up for a minute.
    autovacuum_naptime: '15s',
    log_checkpoints: 'off',
    log_min_messages: 'warning',
    log_timezone: 'UTC',
    timezone: 'UTC',
    cluster_name: 'flash-sale',
  };
}

/** Made next to its place and then moved there, so that an interrupted start leaves nothing half made. */
async function initialise(
  data: string,
  { executables, password, runAs, folder, signal, say }: PostgresOptions,
): Promise<void> {
  say?.('setting up the data folder of PostgreSQL …');
  const draft = `${data}.new`;
  const passwordFile = join(folder, 'password');
  await rm(draft, { recursive: true, force: true });
  await writeFor(runAs, passwordFile, password, 0o600);
  try {
    const args = ['-D', draft, '--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    // --no-sync: nothing is lost yet if the machine fails within the next seconds; the server itself does sync.
    const how = { runAs, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' }, signal };
    const locale = ['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'];
    const { code, output } = await runCommand(executables[1] ?? 'initdb', [...args, ...locale], how);
    if (code !== 0) throw new Error(`initdb failed:\n${output}`);
    await rename(draft, data);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** @throws when it refuses the password */
async function answers(url: string, folder: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') {
      throw new Error(`PostgreSQL refuses the password in secrets.json: it belongs to other data than ${folder}.`, {
        cause: error,
      });
    }
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
