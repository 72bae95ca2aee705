import { Redis, ReplyError } from 'ioredis';
import type { Logger } from '../log.ts';

/**
 * A connection that fails fast: nothing of the shop may wait for Redis longer than it takes to go on without.
 * @param commandTimeoutMs after which Redis counts as away
 */
export function connectRedis(url: string, log: Logger, { commandTimeoutMs = 300 } = {}): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 1_000,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true, // its user may not: it needs a right that Redis 7.0 cannot name
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000),
  });
  tellWhatIsForbidden(redis, log);
  let reachable: boolean | undefined;
  redis.on('ready', () => {
    if (reachable === false) log.info('Redis is back');
    reachable = true;
  });
  redis.on('error', (error: Error) => {
    if (reachable !== false) log.warn({ reason: error.message }, 'Redis is away');
    reachable = false;
  });
  return redis;
}

/** What the server forbids to its user is no outage, and would hide behind all that goes on without Redis: each once. */
function tellWhatIsForbidden(redis: Redis, log: Logger): void {
  const told = new Set<string>();
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const { name, reject } = command;
    command.reject = (error: Error) => {
      if (error.message.includes('NOPERM') && !told.has(name)) {
        told.add(name);
        log.error({ command: name, reason: error.message }, 'Redis forbids what this service needs: look at its users');
      }
      reject.call(command, error);
    };
    return send(command, stream);
  };
}

/** Under which `stateOfRedis` writes. */
export const readyKey = (who: string): string => `ready:${who}`;

/**
 * Whether Redis takes what is written to it, found out by writing something that nobody reads: one that is out of memory
 * or a replica answers every question as if it were well.
 */
export async function stateOfRedis(redis: Redis, who: string): Promise<'ok' | 'away' | 'read-only'> {
  if (redis.status !== 'ready') return 'away';
  return redis.set(readyKey(who), '1', 'PX', 1_000).then(
    () => 'ok' as const,
    (error: unknown) => (error instanceof ReplyError ? 'read-only' : 'away'),
  );
}
