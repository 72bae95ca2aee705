import { connect } from 'node:net';
import { redisQuoted } from './quoting.ts';
import { redisUsers, userLines, type RedisUser } from './redis-users.ts';
import { runCommand } from './run-command.ts';
import type { Program } from './supervised.ts';
import type { RunAs } from './unprivileged.ts';

interface RedisOptions {
  executable: string;
  folder: string;
  logFile: string;
  port: number;
  /** Of the default user, who may do everything: for the set-up, for tests, and for services of the release before. */
  password: string;
  /** The passwords of the others; without them there is only the one. */
  users?: Record<RedisUser, string> | undefined;
  runAs: RunAs | undefined;
}

export function redisUrl(port: number, password: string, user: RedisUser | '' = ''): string {
  return `redis://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
}

/** How each user reaches it, where they are told apart. */
export function redisUrls(port: number, users: Record<RedisUser, string>): Record<RedisUser, string> {
  const urls = redisUsers.map((user) => [user, redisUrl(port, users[user], user)]);
  return Object.fromEntries(urls) as Record<RedisUser, string>;
}

/** Redis 6 knows no rights per key. */
export async function canConfineUsers(executable: string): Promise<boolean> {
  const { output } = await runCommand(executable, ['--version']);
  return Number(/\bv=(\d+)/.exec(output)?.[1] ?? 0) >= 7;
}

/**
 * Only a cache and a gate: it keeps nothing on disk. When memory runs short it forgets, of what ends by itself, what was used
 * least: counts of rate limits, and never a level of stock, for which a missing key would pass for a missing product.
 */
export function redisProgram({ executable, folder, logFile, port, password, users, runAs }: RedisOptions): Program {
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    'unixsocket ""',
    'daemonize no',
    `requirepass ${redisQuoted(password)}`,
    ...(users ? userLines(users) : []),
    'save ""',
    'appendonly no',
    'maxmemory 256mb',
    'maxmemory-policy volatile-lru',
    'loglevel notice',
  ];
  return {
    name: 'redis',
    command: executable,
    // From standard input: on the command line the password would show in the list of processes.
    args: ['-'],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    cwd: folder,
    runAs,
    input: { text: settings.join('\n') + '\n' },
    logFile,
    stopSignal: 'SIGTERM',
    stopWithinMs: 5_000,
    deathSignal: 'SIGKILL',
    isReady: () => answersPing(port, password),
  };
}

/** By hand, because the launcher needs no more of Redis than this. */
function answersPing(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    let answer = '';
    const done = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.once('connect', () => socket.write(`AUTH ${redisQuoted(password)}\r\nPING\r\n`));
    socket.on('data', (data) => {
      answer += data.toString();
      if (answer.split('\r\n').length > 2) done(answer.includes('+PONG'));
    });
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.once('timeout', () => done(false));
  });
}
