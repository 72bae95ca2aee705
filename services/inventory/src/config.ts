import {
  bound,
  databaseSchema,
  maxHoldMs,
  milliseconds,
  readEnvironment,
  type EnvironmentOf,
} from '@flash-sale/shared/config.ts';
import { demoSettings } from '@flash-sale/shared/demo.ts';
import { z } from 'zod';

/** The inventory's settings, besides those that every service has (shared/src/config.ts). */
export const configSchema = databaseSchema.extend({
  HOLD_TTL_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(maxHoldMs)
    .default(120_000)
    .describe('how long a hold lasts before its units go back on sale; two hours at most'),
  UNPAID_UNITS_MAX: bound(10).describe(
    'units of a product that one shopper may hold without having paid for them; 0 lifts the bound',
  ),
  UNPAID_PERCENT_MAX: z.coerce
    .number()
    .min(0)
    .max(100)
    .default(1)
    .describe('the same as a share of all units of the product, where that is more'),
  EXPIRY_SWEEP_MS: milliseconds(1_000).describe('how often due holds are looked for'),
  VIEW_REFRESH_MS: milliseconds(15_000).describe('how often Redis is compared with the stock table as a whole'),
});
export type InventoryConfig = ReturnType<typeof readConfig>;
export const readConfig = (...from: EnvironmentOf) => readEnvironment(configSchema, ...from);
/** The settings that removing the demo data needs; in a cluster it is given no others. */
export const demoEndSchema = configSchema.pick({ DATABASE_URL: true, REDIS_URL: true, RUN_AS: true });
export const readDemoEndConfig = () => readEnvironment(demoEndSchema);
/** For loading the demo data: the same, and the address of the shop. */
export const readDemoConfig = () => readEnvironment(configSchema.extend(demoSettings));
