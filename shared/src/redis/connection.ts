import { Redis, ReplyError } from 'ioredis';
import type { Logger } from '../log.ts';

/** A connection that fails fast: nothing of the shop may wait for Redis longer than it takes to go on without. */
export function connectRedis(url: string, log: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 300,
    connectTimeout: 1_000,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000),
  });
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

/**
 * Whether Redis takes what is written to it, found out by writing something that nobody reads: one that is out of memory
 * or a replica answers every question as if it were well.
 */
export async function stateOfRedis(redis: Redis, who: string): Promise<'ok' | 'away' | 'read-only'> {
  if (redis.status !== 'ready') return 'away';
  return redis.set(`ready:${who}`, '1', 'PX', 1_000).then(
    () => 'ok' as const,
    (error: unknown) => (error instanceof ReplyError ? 'read-only' : 'away'),
  );
}
