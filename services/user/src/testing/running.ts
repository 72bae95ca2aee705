import { MemoryNetwork, memoryTransport } from '@flash-sale/shared/messaging/memory-transport.ts';
import { startService, type RunningService } from '@flash-sale/shared/service/service.ts';
import { testConfig } from '@flash-sale/shared/testing/service.ts';
import type { TestDatabase } from '../../../../infra/testing/database.ts';
import type { TestRedis } from '../../../../infra/testing/redis.ts';
import { configSchema } from '../config.ts';
import { userService } from '../service.ts';

/** An instance that exempts requests from this machine from rate limits, unless `overrides` say otherwise. */
export function startUser(
  { database, redis }: { database: TestDatabase; redis: TestRedis },
  overrides: Record<string, string> = {},
): Promise<RunningService> {
  const config = testConfig(configSchema, {
    DATABASE_URL: database.url,
    MIGRATION_DATABASE_URL: database.ownerUrl,
    REDIS_URL: redis.urlOf('user'),
    RATE_LIMIT_EXEMPT: '127.0.0.0/8',
    // A busy machine takes many times as long for a hash, and nobody is to be refused who does not ask for it.
    PASSWORD_WAIT_MS: '60000',
    ...overrides,
  });
  return startService(userService, config, () => ({ transport: memoryTransport(new MemoryNetwork()) }));
}
