import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { freePort } from '../launcher/free-port.ts';
import { influxdbAt, setUpInfluxdb, type Influxdb } from '../launcher/influxdb.ts';
import { postgresProgram, postgresUrl } from '../launcher/postgres.ts';
import { preparePrograms } from '../launcher/programs.ts';
import { amqpUrl, amqpUrls, epmdProgram, rabbitmqProgram, runRabbitmqctl } from '../launcher/rabbitmq.ts';
import { rabbitmqUsers, type RabbitmqUser } from '../launcher/rabbitmq-users.ts';
import { ensureReplicator, replicaProgram } from '../launcher/replica.ts';
import { redisProgram, redisUrl, redisUrls } from '../launcher/redis.ts';
import { redisUsers, type RedisUser } from '../launcher/redis-users.ts';
import { Supervised, type Program } from '../launcher/supervised.ts';
import {
  masterFolder,
  plainFolder,
  serverFolder,
  unprivilegedUser,
  type Unprivileged,
} from '../launcher/unprivileged.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { nobody } from './while-running.ts';

/** A server of its own for tests, in a folder that goes away with it. */
export interface TestServer {
  url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** At once and without warning; `start` brings it back. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** What differs from server to server, such as a folder or password of an unusual name. */
export interface ServerOptions {
  /** Part of the name of its folder. */
  name?: string;
  /** InfluxDB 2 takes none of fewer than eight characters. */
  password?: string;
}
const ordinary = { password: 'of-a-test' };

/** Without fsync: what a test commits need not survive a power failure, and should not wait for a disk. */
export function startTestPostgres({
  name,
  password = ordinary.password,
  replicas = 0,
}: ServerOptions & { replicas?: number } = {}): Promise<TestServer> {
  return startServer('postgres', name, async ({ folder, logFile, port, runAs }) => {
    const executables = (await preparePrograms(['postgres'], console.log)).postgres;
    const options = { executables, folder, logFile, port, password, runAs, replicas };
    return { programs: [await postgresProgram({ ...options, durable: false })], url: postgresUrl(port, password) };
  });
}

/** A hot standby of a server that was started with `replicas`, as it is now: a database that is made later comes along. */
export async function startTestReplica(primary: TestServer): Promise<TestServer> {
  const { port: primaryPort, password } = new URL(primary.url);
  const replicatorPassword = `${password}-replicator`;
  await ensureReplicator(primary.url, replicatorPassword);
  return startServer('postgres', 'replica', async ({ folder, logFile, port, runAs }) => {
    const executables = (await preparePrograms(['postgres'], console.log)).postgres;
    const place = { executables, folder, logFile, port, password, runAs };
    const of = { number: 1, replicas: 1, primaryPort: Number(primaryPort), replicatorPassword };
    return { programs: [await replicaProgram({ ...place, ...of })], url: postgresUrl(port, password) };
  });
}

export interface TestRedis extends TestServer {
  /** As the services use it, each with no more rights than it has there; `url` may do everything. */
  urlOf(user: RedisUser): string;
}

export async function startTestRedis({ name, password = ordinary.password }: ServerOptions = {}): Promise<TestRedis> {
  const users = passwordsOf(redisUsers, password);
  let urls: Record<RedisUser, string> | undefined;
  const server = await startServer('redis', name, async ({ folder, logFile, port, runAs }) => {
    const [executable = 'redis-server'] = (await preparePrograms(['redis'], console.log)).redis;
    urls = redisUrls(port, users);
    return {
      programs: [redisProgram({ executable, folder, logFile, port, password, users, runAs })],
      url: redisUrl(port, password),
    };
  });
  return { ...server, urlOf: (user) => urls![user] };
}

const passwordsOf = <User extends string>(users: readonly User[], password: string) =>
  Object.fromEntries(users.map((user) => [user, `${password}-${user}`])) as Record<User, string>;

export interface TestRabbitmq extends TestServer {
  /** As the services use it, each with no more rights than it has there; `url` may do everything. */
  urlOf(user: RabbitmqUser): string;
  /** Runs rabbitmqctl on it, and answers its output. Throws if it fails. */
  control(...args: string[]): Promise<string>;
}

export async function startTestRabbitmq({
  name,
  password = ordinary.password,
}: ServerOptions = {}): Promise<TestRabbitmq> {
  const users = passwordsOf(rabbitmqUsers, password);
  let urls: Record<RabbitmqUser, string> | undefined;
  let control: TestRabbitmq['control'] | undefined;
  let link: string | undefined;
  const unlink = async () => link !== undefined && rm(dirname(link), { recursive: true });
  const starting = startServer('rabbitmq', name, async ({ folder, logFile, port, runAs }) => {
    const place = await plainFolder(folder);
    if (place !== folder) link = place;
    const { rabbitmq, erlang } = await preparePrograms(['rabbitmq', 'erlang'], console.log);
    const [executable = 'rabbitmq-server', controller = 'rabbitmqctl'] = rabbitmq;
    const ports = { amqp: port, distribution: await freePort(), epmd: await freePort() };
    const options = { executable, controller, erlang, folder: place, logFile, ports, password, users, runAs };
    urls = amqpUrls(port, users);
    control = (...args) => runRabbitmqctl(options, args);
    return { programs: [epmdProgram(options), await rabbitmqProgram(options)], url: amqpUrl(port, password) };
  });
  const server = await starting.catch(async (error: unknown) => {
    await unlink();
    throw error;
  });
  const close = async () => {
    await server.close();
    await unlink();
  };
  return { ...server, close, urlOf: (user) => urls![user], control: (...args) => control!(...args) };
}

export type TestInfluxdb = TestServer & Pick<Influxdb, 'token' | 'org' | 'bucket' | 'queryUrl'>;

export async function startTestInfluxdb({
  name,
  password = ordinary.password,
}: ServerOptions = {}): Promise<TestInfluxdb> {
  let prepared: Influxdb | undefined;
  const server = await startServer('influxdb', name, async ({ home, folder, port, runAs }) => {
    const { influxdb, nginx } = await preparePrograms(['influxdb', 'nginx'], console.log);
    const frontRunsAs = await unprivilegedUser('nginx');
    prepared = await influxdbAt({
      executable: influxdb[0] ?? 'influxd',
      nginx: nginx[0] ?? 'nginx',
      folder,
      frontFolder: await masterFolder(home, 'influxdb-front', frontRunsAs),
      logsFolder: home,
      ports: { api: port, server: await freePort(), rpc: await freePort() },
      token: password,
      runAs,
      frontRunsAs,
    });
    return { programs: prepared.programs.map(({ program }) => program), url: prepared.url };
  });
  try {
    await setUpInfluxdb(prepared!);
  } catch (error) {
    await server.close();
    throw error;
  }
  const { token, org, bucket, queryUrl } = prepared!;
  return { ...server, token, org, bucket, queryUrl };
}

interface Place {
  /** Of the test, to be removed with everything in it. */
  home: string;
  folder: string;
  logFile: string;
  port: number;
  runAs: Awaited<ReturnType<typeof unprivilegedUser>>;
}

async function startServer(
  kind: Unprivileged,
  name: string = kind,
  /** The last program is the server; what stands before it stays up until the end. */
  prepare: (place: Place) => Promise<{ programs: Program[]; url: string }>,
): Promise<TestServer> {
  const home = await temporaryFolder(name);
  const runAs = await unprivilegedUser(kind);
  const folder = await serverFolder(home, kind, runAs);
  const place = { home, folder, logFile: join(home, 'log'), port: await freePort(), runAs };
  const { programs, url } = await prepare(place);
  const all = programs.map((program) => new Supervised(program, nobody));
  const server = all[all.length - 1]!;
  const killOnExit = () => all.forEach((one) => one.killNow());
  process.once('exit', killOnExit);
  const close = async () => {
    for (const one of all.toReversed()) await one.stop();
    process.off('exit', killOnExit);
    await rm(home, { recursive: true, force: true });
  };
  try {
    for (const one of all) await one.start();
  } catch (error) {
    await close();
    throw error;
  }
  const kill = () => {
    server.killNow();
    return server.stop();
  };
  return { url, stop: () => server.stop(), start: () => server.start(), kill, close };
}
