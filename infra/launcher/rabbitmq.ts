import { dirname, join } from 'node:path';
import { opensConnection } from './amqp-handshake.ts';
import { accepts } from './free-port.ts';
import { pluginsWithoutPlugins, writeRabbitmqFiles, type RabbitmqCredentials } from './rabbitmq-files.ts';
import { deadQueues } from './rabbitmq-queues.ts';
import { administrator, rabbitmqUsers, type RabbitmqUser } from './rabbitmq-users.ts';
import { runCommand } from './run-command.ts';
import type { Program } from './supervised.ts';
import type { RunAs } from './unprivileged.ts';

export interface RabbitmqPorts {
  amqp: number;
  /** For rabbitmqctl. */
  distribution: number;
  /** Where Erlang's nodes of this stack find each other. */
  epmd: number;
}

export interface RabbitmqOptions extends RabbitmqCredentials {
  /** `rabbitmq-server`, and `rabbitmqctl`. */
  executable: string;
  controller: string;
  /** `erl` and `epmd`. */
  erlang: string[];
  /** A folder of the server's user, for its data and as its home. */
  folder: string;
  logFile: string;
  ports: RabbitmqPorts;
  runAs: RunAs | undefined;
}

/** By this name it finds its data again; it is no host's own, because that may change. */
const nodeName = 'flash_sale@localhost';

export function amqpUrl(
  port: number,
  password: string,
  user: RabbitmqUser | typeof administrator = administrator,
): string {
  return `amqp://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
}

/** How each user reaches it. */
export function amqpUrls(port: number, users: Record<RabbitmqUser, string>): Record<RabbitmqUser, string> {
  const urls = rabbitmqUsers.map((user) => [user, amqpUrl(port, users[user], user)]);
  return Object.fromEntries(urls) as Record<RabbitmqUser, string>;
}

/** RabbitMQ does not start without it, and left to itself would start one that outlives everything. */
export function epmdProgram({ erlang, folder, logFile, ports, runAs }: RabbitmqOptions): Program {
  return {
    name: 'epmd',
    command: erlang[1] ?? 'epmd',
    args: ['-port', String(ports.epmd), '-address', '127.0.0.1'],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    cwd: folder,
    runAs,
    input: 'none',
    logFile: join(dirname(logFile), 'epmd.log'),
    stopSignal: 'SIGTERM',
    stopWithinMs: 5_000,
    deathSignal: 'SIGKILL',
    isReady: () => accepts(ports.epmd),
  };
}

/** Writes its configuration, and answers the program; that of `epmdProgram` must run before it and longer. */
export async function rabbitmqProgram(options: RabbitmqOptions): Promise<Program> {
  const { executable, folder, logFile, ports, password, users, runAs } = options;
  await writeRabbitmqFiles(folder, options, runAs);
  const plugins = await pluginsWithoutPlugins(executable, folder, runAs);
  return {
    name: 'rabbitmq',
    command: executable,
    args: [],
    env: { ...serverEnvironment(options), ...(plugins ? { RABBITMQ_PLUGINS_DIR: plugins } : {}) },
    cwd: folder,
    runAs,
    input: 'none',
    logFile,
    stopSignal: 'SIGTERM',
    breakOffSignal: 'SIGKILL',
    stopWithinMs: 20_000,
    deathSignal: 'SIGKILL', // what it has confirmed is on disk
    isReady: () => isReady(ports.amqp, password, folder),
    reasonToRestart: deadQueues({
      url: users ? amqpUrl(ports.amqp, users.auditor, 'auditor') : amqpUrl(ports.amqp, password),
      folder,
      control: (...args) => runRabbitmqctl(options, args),
    }),
  };
}

/** Answers what it prints. @throws when it fails */
export async function runRabbitmqctl(options: RabbitmqOptions, args: string[]): Promise<string> {
  const { controller, folder, runAs } = options;
  const { code, output } = await runCommand(controller, args, { runAs, cwd: folder, env: nodeEnvironment(options) });
  if (code !== 0) throw new Error(`rabbitmqctl ${args.join(' ')} failed:\n${output}`);
  return output;
}

/** What its tools need, too. */
function nodeEnvironment({ erlang, folder, ports }: Pick<RabbitmqOptions, 'erlang' | 'folder' | 'ports'>) {
  return {
    // Its scripts look for `erl` there.
    PATH: `${dirname(erlang[0] ?? 'erl')}:${process.env.PATH ?? ''}`,
    LC_ALL: 'C',
    HOME: folder,
    RABBITMQ_NODENAME: nodeName,
    // The machine's own settings are for the machine's own broker.
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // For whatever it starts in its turn: the one epmd is ours.
    ERL_FLAGS: '-start_epmd false',
    ERL_CRASH_DUMP_SECONDS: '0',
  };
}

function serverEnvironment(options: RabbitmqOptions): NodeJS.ProcessEnv {
  const { folder, ports } = options;
  return {
    ...nodeEnvironment(options),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.config'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    // Its script then becomes the server instead of watching over it, so that signals reach the server itself.
    RUNNING_UNDER_SYSTEMD: 'true',
    // Schedulers that wait for work by spinning take the cores from everybody else here: a quarter of the throughput.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
  };
}

async function isReady(port: number, password: string, folder: string): Promise<boolean> {
  const answer = await opensConnection(amqpUrl(port, password));
  if (answer === 'refused')
    throw new Error(`RabbitMQ refuses the password in secrets.json: it belongs to other data than ${folder}.`);
  return answer;
}
