import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { sql, type QueryExecutorProvider } from 'kysely';
import type { Transport } from '../messaging/transport.ts';
import { stateOfRedis } from '../redis/connection.ts';
import type { ServiceContext } from './definition.ts';
import type { Health } from './health.ts';

/** A database that answers later than this is away. */
const answerWithinMs = 1_000;

/** Whether a service may be asked: it reaches its database and its transport, and is not about to stop. */
export function readinessOf(
  { name, config }: ServiceContext,
  options: {
    background: QueryExecutorProvider;
    redis: Redis;
    transport: Pick<Transport, 'healthy'>;
    draining: AbortSignal;
  },
): () => Promise<Health> {
  const { background, redis, transport, draining } = options;
  return async () => {
    if (draining.aborted) return { ready: false, checks: { service: 'draining' } };
    const redisState = stateOfRedis(redis, `${name}:${config.SERVICE_INSTANCE}`);
    const answered = await Promise.race([
      sql`SELECT 1`.execute(background).then(
        () => true,
        () => false,
      ),
      sleep(answerWithinMs, false, { ref: false }),
    ]);
    const reachable = transport.healthy();
    return {
      ready: answered && reachable,
      // Without Redis the sale goes on, so it does not make a service unready.
      checks: {
        database: answered ? 'ok' : 'away',
        redis: await redisState,
        transport: reachable ? 'ok' : 'away',
      },
    };
  };
}
