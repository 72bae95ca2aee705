import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { sql, type QueryExecutorProvider } from 'kysely';
import type { Transport } from '../messaging/transport.ts';
import { stateOfRedis } from '../redis/connection.ts';
import type { ServiceContext } from './definition.ts';
import type { Health } from './health.ts';

/** A database that answers later than this is away. */
const answerWithinMs = 1_000;

/** Whether a service may be asked: it reaches its database and its transport, where it has them, and is not about to stop. */
export function readinessOf(
  { name, config }: ServiceContext,
  options: {
    redis: Redis;
    draining: AbortSignal;
    /** These two of a service with a database. */
    background?: QueryExecutorProvider;
    transport?: Pick<Transport, 'healthy'>;
  },
): () => Promise<Health> {
  const { background, redis, transport, draining } = options;
  return async () => {
    if (draining.aborted) return { ready: false, checks: { service: 'draining' } };
    const redisState = stateOfRedis(redis, `${name}:${config.SERVICE_INSTANCE}`);
    const database = background && stateOf(await answers(background));
    const reached = transport && stateOf(transport.healthy());
    return {
      ready: database !== 'away' && reached !== 'away',
      // Without Redis the sale goes on, so it does not make a service unready.
      checks: {
        ...(database && { database }),
        redis: await redisState,
        ...(reached && { transport: reached }),
      },
    };
  };
}

const stateOf = (isThere: boolean) => (isThere ? 'ok' : 'away');

const answers = (database: QueryExecutorProvider): Promise<boolean> =>
  Promise.race([
    sql`SELECT 1`.execute(database).then(
      () => true,
      () => false,
    ),
    sleep(answerWithinMs, false, { ref: false }),
  ]);
