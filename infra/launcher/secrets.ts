import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { databases, type DatabaseName } from './database-names.ts';
import { rabbitmqUsers, type RabbitmqUser } from './rabbitmq-users.ts';
import { redisUsers, type RedisUser } from './redis-users.ts';

/** Everything secret of one installation. */
export interface Secrets {
  postgresPassword: string;
  auditorPassword: string;
  /** Of the role by which replicas follow PostgreSQL. */
  replicatorPassword: string;
  /** Of Redis' default user, who may do everything. */
  redisPassword: string;
  redisUsers: Record<RedisUser, string>;
  /** Of RabbitMQ's administrator. */
  rabbitmqPassword: string;
  rabbitmqUsers: Record<RabbitmqUser, string>;
  influxToken: string;
  jwtSecret: string;
  /** Of the key pair by which the user service signs access tokens, where TOKEN_SIGNING says so. */
  tokenKey: string;
  internalToken: string;
  orderIdSecret: string;
  /** The passwords of each database's owner (migrations) and of its runtime role. */
  roles: Record<DatabaseName, { owner: string; runtime: string }>;
}

/** Reads the file, or makes it; secrets that an older file lacks are added. Nobody but its owner may read it. */
export async function loadSecrets(file: string): Promise<Secrets> {
  const known = await read(file);
  const roles = databases.map((name) => [
    name,
    { owner: known.roles?.[name]?.owner ?? newSecret(), runtime: known.roles?.[name]?.runtime ?? newSecret() },
  ]);
  const secrets: Secrets = {
    postgresPassword: known.postgresPassword ?? newSecret(),
    auditorPassword: known.auditorPassword ?? newSecret(),
    replicatorPassword: known.replicatorPassword ?? newSecret(),
    redisPassword: known.redisPassword ?? newSecret(),
    redisUsers: secretsOf(redisUsers, known.redisUsers),
    rabbitmqPassword: known.rabbitmqPassword ?? newSecret(),
    rabbitmqUsers: secretsOf(rabbitmqUsers, known.rabbitmqUsers),
    influxToken: known.influxToken ?? newSecret(),
    jwtSecret: known.jwtSecret ?? newSecret(),
    tokenKey: known.tokenKey ?? newSecret(),
    internalToken: known.internalToken ?? newSecret(),
    orderIdSecret: known.orderIdSecret ?? newSecret(),
    roles: Object.fromEntries(roles) as Secrets['roles'],
  };
  if (JSON.stringify(secrets) !== JSON.stringify(known)) await writePrivately(file, secrets);
  return secrets;
}

function secretsOf<Name extends string>(names: readonly Name[], known: Partial<Record<Name, string>> = {}) {
  return Object.fromEntries(names.map((name) => [name, known[name] ?? newSecret()])) as Record<Name, string>;
}

/** 256 bits, in characters that need no escaping in a URL, in SQL or in a configuration file. */
function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

async function read(file: string): Promise<Partial<Secrets>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Secrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`cannot read ${file}`, { cause: error });
  }
}

/** As a whole or not at all, so that an interrupted start leaves no half a file. */
export async function writePrivately(file: string, content: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, JSON.stringify(content, null, 2) + '\n', { mode: 0o600 });
  await rename(draft, file);
}
