import { databaseSchema, milliseconds, readEnvironment, type EnvironmentOf } from '@flash-sale/shared/config.ts';

/** The order service's settings, besides those that every service has (shared/src/config.ts). */
export const configSchema = databaseSchema.extend({
  ARRIVAL_TIMEOUT_MS: milliseconds(2_000).describe(
    'longest a read waits for an order that is announced but not here yet',
  ),
});
export type OrderConfig = ReturnType<typeof readConfig>;
export const readConfig = (...from: EnvironmentOf) => readEnvironment(configSchema, ...from);
