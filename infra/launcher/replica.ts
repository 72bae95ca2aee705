import { existsSync } from 'node:fs';
import { realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureRole, withClient } from './databases.ts';
import { dataIn, programOf, settings, type PostgresOptions } from './postgres.ts';
import { MissingPrograms } from './programs.ts';
import { runCommand } from './run-command.ts';
import { StartFailed, type Program } from './supervised.ts';
import { writeFor } from './unprivileged.ts';

/** May copy the whole server, and nothing else. */
export const replicatorRole = 'flash_sale_replicator';

export interface ReplicaOptions extends Omit<PostgresOptions, 'durable' | 'say'> {
  /** 1, 2, … */
  number: number;
  /** Of all of them: each could be followed as well. */
  replicas: number;
  primaryPort: number;
  replicatorPassword: string;
}

/**
 * A hot standby of the private PostgreSQL by streaming replication. It is copied anew at each start of the stack: so it never has to be told whether what it
 * has can still follow, as after a start of the primary without replicas, and a file of it need not be on disk for anything.
 * @returns the program that serves it. @throws MissingPrograms, StartFailed
 */
export async function replicaProgram(options: ReplicaOptions): Promise<Program> {
  const { folder, port, runAs, number, replicas, primaryPort, replicatorPassword } = options;
  const data = dataIn(folder);
  const passwords = join(folder, 'passwords');
  await writeFor(runAs, passwords, `127.0.0.1:${primaryPort}:*:${replicatorRole}:${replicatorPassword}\n`, 0o600);
  await copy(options, data, passwords);
  await writeFor(runAs, join(data, 'standby.signal'), '', 0o600);
  const own = {
    ...settings({ port, durable: false, replicas }),
    cluster_name: `flash-sale-replica-${number}`,
    hot_standby: 'on',
    primary_conninfo: `host=127.0.0.1 port=${primaryPort} user=${replicatorRole} passfile='${passwords.replaceAll(/['\\]/g, '\\$&')}'`,
    // Rather a read that is broken off, and asked of the primary, than a replica that falls behind for it.
    max_standby_streaming_delay: '500ms',
    wal_receiver_status_interval: '1s',
    wal_retrieve_retry_interval: '1s',
  };
  // Without it the primary is read.
  return { ...programOf(replicaName(number), options, own), optional: true };
}

export const replicaName = (number: number): string => `postgres-replica-${number}`;

/** Makes the role by which replicas follow, or gives it this password. @param adminUrl of the primary */
export const ensureReplicator = (adminUrl: string, password: string): Promise<void> =>
  withClient(adminUrl, (admin) => ensureRole(admin, replicatorRole, password, 'LOGIN REPLICATION'));

async function copy(
  { executables, runAs, folder, primaryPort, signal }: ReplicaOptions,
  data: string,
  passwords: string,
) {
  // A server in the PATH may be a link to where all of its programs lie.
  const server = await realpath(executables[0] ?? '');
  const program = join(dirname(server), 'pg_basebackup');
  if (!existsSync(program))
    throw new MissingPrograms(
      `--replicas needs pg_basebackup, which is not beside ${server}: it comes with the clients of PostgreSQL.`,
    );
  await rm(data, { recursive: true, force: true });
  const from = ['-h', '127.0.0.1', '-p', String(primaryPort), '-U', replicatorRole, '--no-password'];
  const how = ['--pgdata', data, '--wal-method=stream', '--checkpoint=fast', '--no-sync'];
  const env = { PATH: process.env.PATH, LC_ALL: 'C', PGPASSFILE: passwords };
  const { code, output } = await runCommand(program, [...from, ...how], { runAs, cwd: folder, env, signal });
  if (code !== 0) throw new StartFailed(`PostgreSQL cannot be copied for a replica:\n${output}`);
}
