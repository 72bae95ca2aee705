import { pino } from 'pino';
import { connectRedis } from '../redis/connection.ts';

/**
 * For tests of what counts in Redis: waits for it as long as it takes. On a busy machine an answer may come later than a service waits
 * for it, which would then count for itself, or take who is known for a stranger.
 */
export const connectPatiently = (url: string) =>
  connectRedis(url, pino({ level: 'silent' }), { commandTimeoutMs: 60_000 });
