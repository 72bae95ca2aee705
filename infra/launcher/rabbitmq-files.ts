import { createHash, createHmac, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { erlangBinary } from './quoting.ts';
import { administrator, userDefinitions, type RabbitmqUser } from './rabbitmq-users.ts';
import { runCommand } from './run-command.ts';
import { writeFor, type RunAs } from './unprivileged.ts';

/** The passwords of a broker's users. */
export interface RabbitmqCredentials {
  /** Of who may do everything. */
  password: string;
  /** Of the others; without them there is only the one, which is made with the first start. */
  users?: Record<RabbitmqUser, string> | undefined;
}

/** Below it nothing more is published. */
export const diskFreeLimitBytes = 50_000_000;

/**
 * In Erlang's own notation: the newer rabbitmq.conf is translated at each start, which costs two seconds of one core.
 * With a user of our own there is no `guest`.
 */
const configuration = (users: string) => `[
  {rabbit, [
    ${users},
    {loopback_users, [<<"${administrator}">>]},
    {vm_memory_high_watermark, {absolute, 536870912}},
    {disk_free_limit, ${diskFreeLimitBytes}},
    {heartbeat, 10},
    {collect_statistics_interval, 60000},
    {log, [{console, [{enabled, true}, {level, warning}]}, {file, [{file, false}]}]}
  ]},
  % Quorum queues keep in memory what their log has not yet handed on; by default half a gigabyte, our whole limit.
  {ra, [{wal_max_size_bytes, 64000000}]}
].
`;

/** Writes anew what RabbitMQ reads at its start. Its user may read it, and nobody else. */
export async function writeRabbitmqFiles(
  folder: string,
  { password, users }: RabbitmqCredentials,
  runAs: RunAs | undefined,
): Promise<void> {
  const cookie = createHmac('sha256', password).update('Erlang cookie').digest('hex');
  const theOne = `{default_user, <<"${administrator}">>},\n    {default_pass, ${erlangBinary(password)}}`;
  const definitions = join(folder, 'definitions.json');
  if (users) await writeFor(runAs, definitions, hashedDefinitions({ ...users, [administrator]: password }), 0o600);
  const settings = users ? `{load_definitions, ${erlangBinary(definitions)}}` : theOne;
  await writeFor(runAs, join(folder, 'rabbitmq.config'), configuration(settings), 0o600);
  await writeFor(runAs, join(folder, 'enabled_plugins'), '[].\n', 0o600);
  // Erlang refuses a cookie that others could read.
  await writeFor(runAs, join(folder, '.erlang.cookie'), cookie, 0o400);
}

/** Without the passwords themselves, which the broker need not know. */
function hashedDefinitions(passwords: Parameters<typeof userDefinitions>[0]): string {
  const { users, ...rest } = userDefinitions(passwords);
  const hashed = users.map(({ password, ...user }) => ({
    ...user,
    password_hash: rabbitmqHash(password),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
  }));
  return JSON.stringify({ ...rest, users: hashed }, null, 2);
}

/** As RabbitMQ keeps passwords: four bytes of salt, and the hash of them with the password. */
function rabbitmqHash(password: string): string {
  const salt = randomBytes(4);
  const hash = createHash('sha256').update(salt).update(password).digest();
  return Buffer.concat([salt, hash]).toString('base64');
}

/**
 * A folder of plugins with nothing in it but RabbitMQ itself: it looks through all it finds there, used or not, and
 * that is two seconds of a start. Undefined if this installation looks different; then it keeps its own.
 */
export async function pluginsWithoutPlugins(
  executable: string,
  folder: string,
  runAs: RunAs | undefined,
): Promise<string | undefined> {
  const installed = join(dirname(await realpath(executable)), '../plugins');
  const core = existsSync(installed) ? (await readdir(installed)).find((name) => /^rabbit-\d/.test(name)) : undefined;
  if (!core) return undefined;
  const ours = join(folder, 'plugins');
  // As its user, for in that user's folder root could be led elsewhere.
  const script = 'rm -rf "$1" && mkdir "$1" && ln -s "$2" "$1"';
  const { code, output } = await runCommand('/bin/sh', ['-c', script, 'sh', ours, join(installed, core)], {
    runAs,
    cwd: folder,
  });
  if (code !== 0) throw new Error(`${ours} could not be made: ${output}`);
  return ours;
}
