import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { needsRabbitmq, stacks } from '@flash-sale/shared/stacks.ts';
import { databaseUrls, type DatabaseUrls } from './databases.ts';
import type { DatabaseName } from './database-names.ts';
import { notePlaces, ownBroker, placeOf } from './broker-places.ts';
import { influxdbAt, setUpInfluxdb, type Influxdb } from './influxdb.ts';
import { listenAddress } from './listen-address.ts';
import { nginxProgram } from './nginx.ts';
import { postgresProgram, postgresUrl } from './postgres.ts';
import { preparePrograms, type ProgramName, type Programs } from './programs.ts';
import { amqpUrl, amqpUrls, epmdProgram, rabbitmqProgram } from './rabbitmq.ts';
import { ensureReplicator, replicaName, replicaProgram } from './replica.ts';
import { rabbitmqUsers, type RabbitmqUser } from './rabbitmq-users.ts';
import { canConfineUsers, redisProgram, redisUrl, redisUrls } from './redis.ts';
import { redisUsers, type RedisUser } from './redis-users.ts';
import { setUpBroker, setUpDatabases } from './set-up.ts';
import { portsByService, runsRabbitmq, type Site } from './site.ts';
import type { Supervised } from './supervised.ts';
import { masterFolder, plainFolder, serverFolder, unprivilegedUser, type RunAs } from './unprivileged.ts';

/** How each user reaches Redis. */
export type RedisUrls = Record<RedisUser | 'admin', string>;
/** How each user reaches RabbitMQ. */
export type RabbitmqUrls = Record<RabbitmqUser | 'admin', string>;

/** Of a server that another has made useless: its processes are killed by then, and what it waits for is gone with them. */
const othersEndWithinMs = 10_000;

/** Starts what the services stand on, all at once, and sets up the databases and the broker. */
export async function startServers(site: Site): Promise<{
  databases: Record<DatabaseName, DatabaseUrls>;
  /** The same of each replica. */
  replicas: Record<DatabaseName, DatabaseUrls>[];
  redis: RedisUrls;
  /** Only in a stack with RabbitMQ. */
  rabbitmq: RabbitmqUrls | undefined;
  influxdb: Influxdb | undefined;
}> {
  const { databaseUrl, redisUrl: givenRedisUrl } = site.options;
  const needed: ProgramName[] = ['nginx'];
  if (!databaseUrl) needed.push('postgres');
  if (!givenRedisUrl) needed.push('redis');
  if (runsRabbitmq(site.options)) needed.push('rabbitmq', 'erlang');
  const programs = await preparePrograms(needed, site.say);
  const influxExecutable = site.options.metrics ? await findInfluxdb(site) : undefined;
  const starts = [
    startDatabases(site, programs),
    startRedis(site, programs),
    startRabbitmq(site, programs),
    influxExecutable === undefined ? Promise.resolve(undefined) : startInfluxdb(site, influxExecutable, programs),
    startNginx(site, programs),
  ] as const;
  try {
    const [{ databases, replicas }, redis, rabbitmq, influxdb] = await Promise.all(starts);
    return { databases, replicas, redis, rabbitmq, influxdb };
  } catch (error) {
    site.abort(error as Error);
    // Somebody may start anew at once, in the folders in which the others are still at work.
    await Promise.race([Promise.allSettled(starts), sleep(othersEndWithinMs, undefined, { ref: false })]);
    throw error;
  }
}

async function startDatabases(site: Site, programs: Programs) {
  const adminUrl = await startPostgres(site, programs);
  const databases = await setUpDatabases(adminUrl, site.secrets);
  // Of what is set up: a copy is faster than to follow.
  const replicas = await startReplicas(site, programs, adminUrl);
  return { databases, replicas };
}

async function startReplicas(
  site: Site,
  programs: Programs,
  primaryUrl: string,
): Promise<Record<DatabaseName, DatabaseUrls>[]> {
  const { ports, secrets, signal } = site;
  if (ports.replicas.length === 0) return [];
  await ensureReplicator(primaryUrl, secrets.replicatorPassword);
  const runAs = await unprivilegedUser('postgres');
  const start = async (port: number, index: number) => {
    const name = replicaName(index + 1);
    const program = await replicaProgram({
      executables: programs.postgres,
      folder: await placeFor(site, name, runAs),
      logFile: join(site.logsFolder, `${name}.log`),
      number: index + 1,
      port,
      primaryPort: ports.postgres,
      password: secrets.postgresPassword,
      replicatorPassword: secrets.replicatorPassword,
      runAs,
      replicas: ports.replicas.length,
      signal,
    });
    await site.processes.start(program);
    return databaseUrls(postgresUrl(port, secrets.postgresPassword), secrets);
  };
  return Promise.all(ports.replicas.map(start));
}

async function startPostgres(site: Site, programs: Programs): Promise<string> {
  if (site.options.databaseUrl) return site.options.databaseUrl;
  const { ports, secrets, signal } = site;
  const runAs = await unprivilegedUser('postgres');
  const folder = await placeFor(site, 'postgres', runAs);
  const program = await postgresProgram({
    executables: programs.postgres,
    folder,
    logFile: join(site.logsFolder, 'postgres.log'),
    port: ports.postgres,
    password: secrets.postgresPassword,
    runAs,
    durable: true,
    replicas: ports.replicas.length,
    signal,
    say: site.say,
  });
  await site.processes.start(program);
  return postgresUrl(ports.postgres, secrets.postgresPassword);
}

async function startRedis(site: Site, programs: Programs): Promise<RedisUrls> {
  // One that was given has its own users, whom nobody asked us to change.
  const given = site.options.redisUrl;
  if (given) return { admin: given, ...everybodyBy(given, redisUsers) };
  const { ports, secrets } = site;
  const runAs = await unprivilegedUser('redis');
  const folder = await placeFor(site, 'redis', runAs);
  const logFile = join(site.logsFolder, 'redis.log');
  const executable = programs.redis[0] ?? 'redis-server';
  const users = (await canConfineUsers(executable)) ? secrets.redisUsers : undefined;
  if (!users) site.say('Redis is older than version 7: all services share one user, who may do everything');
  const options = { executable, folder, logFile, port: ports.redis, password: secrets.redisPassword, users, runAs };
  await site.processes.start(redisProgram(options));
  const admin = redisUrl(ports.redis, secrets.redisPassword);
  return { admin, ...(users ? redisUrls(ports.redis, users) : everybodyBy(admin, redisUsers)) };
}

const everybodyBy = <User extends string>(url: string, users: readonly User[]) =>
  Object.fromEntries(users.map((user) => [user, url])) as Record<User, string>;

async function startRabbitmq(site: Site, programs: Programs): Promise<RabbitmqUrls | undefined> {
  const given = site.options.amqpUrl;
  if (!needsRabbitmq(site.options.stack)) return undefined;
  notePlaces(site.dataDir, given ? placeOf(given) : ownBroker);
  const urls = given ? urlsOfGivenBroker(given) : await startOwnRabbitmq(site, programs);
  await setUpBroker(urls.admin);
  return urls;
}

/** As with Redis, one that was given keeps the users it has. */
export const urlsOfGivenBroker = (url: string): RabbitmqUrls => ({ admin: url, ...everybodyBy(url, rabbitmqUsers) });

export async function startOwnRabbitmq(site: Site, programs: Programs<'rabbitmq' | 'erlang'>): Promise<RabbitmqUrls> {
  const { ports, secrets } = site;
  const runAs = await unprivilegedUser('rabbitmq');
  const options = {
    executable: programs.rabbitmq[0] ?? 'rabbitmq-server',
    controller: programs.rabbitmq[1] ?? 'rabbitmqctl',
    erlang: programs.erlang,
    folder: await plainFolder(await placeFor(site, 'rabbitmq', runAs)),
    logFile: join(site.logsFolder, 'rabbitmq.log'),
    ports: ports.rabbitmq,
    password: secrets.rabbitmqPassword,
    users: secrets.rabbitmqUsers,
    runAs,
  };
  await site.processes.start(epmdProgram(options));
  await site.processes.start(await rabbitmqProgram(options));
  const { amqp } = ports.rabbitmq;
  return { admin: amqpUrl(amqp, secrets.rabbitmqPassword), ...amqpUrls(amqp, secrets.rabbitmqUsers) };
}

/** Where it cannot be had, the shop runs without it. */
async function findInfluxdb(site: Site): Promise<string | undefined> {
  try {
    return (await preparePrograms(['influxdb'], site.say)).influxdb[0];
  } catch {
    site.say(
      'no metrics: InfluxDB was not found, and could not be installed (Debian, Ubuntu: apt-get install influxdb)',
    );
    return undefined;
  }
}

/** Whatever is wrong with it, it is not worth a sale: the shop then runs without metrics. */
async function startInfluxdb(site: Site, executable: string, programs: Programs): Promise<Influxdb | undefined> {
  const { ports, secrets, processes, signal } = site;
  const started: Supervised[] = [];
  try {
    const runAs = await unprivilegedUser('influxdb');
    const frontRunsAs = await unprivilegedUser('nginx');
    const influxdb = await influxdbAt({
      executable,
      nginx: programs.nginx[0] ?? 'nginx',
      folder: await placeFor(site, 'influxdb', runAs),
      frontFolder: await placeFor(site, 'influxdb-front', frontRunsAs, masterFolder),
      logsFolder: site.logsFolder,
      ports: ports.influxdb,
      token: secrets.influxToken,
      runAs,
      frontRunsAs,
    });
    for (const { program } of influxdb.programs) {
      started.push(await processes.start({ ...program, optional: true }));
    }
    await setUpInfluxdb(influxdb);
    return influxdb;
  } catch (error) {
    await Promise.all(started.map((one) => one.stop()));
    signal.throwIfAborted();
    site.say(`no metrics: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
}

async function startNginx(site: Site, programs: Programs): Promise<void> {
  const { options, ports } = site;
  const runAs = await unprivilegedUser('nginx');
  const program = await nginxProgram({
    executable: programs.nginx[0] ?? 'nginx',
    folder: await placeFor(site, 'nginx', runAs, masterFolder),
    logFile: join(site.logsFolder, 'nginx.log'),
    publicAddresses: listenAddress(options.host ?? '127.0.0.1').addresses,
    publicPort: ports.public,
    internalPort: ports.internal,
    balance: stacks[options.stack].balancing,
    ports: portsByService(site.instances),
    edge: options.env ?? {},
    runAs,
  });
  await site.processes.start(program);
}

async function placeFor(
  site: Site,
  name: string,
  runAs: RunAs | undefined,
  make: typeof serverFolder = serverFolder,
): Promise<string> {
  const folder = await make(site.dataDir, name, runAs);
  if (!folder.startsWith(site.dataDir))
    site.say(`${name} keeps its data in ${folder}: its user may not enter ${site.dataDir}`);
  return folder;
}
