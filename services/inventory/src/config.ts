import { commonSchema, milliseconds, readEnvironment } from '@flash-sale/shared/config.ts';

/** The inventory's settings, besides those that every service has (shared/src/config.ts). */
export const configSchema = commonSchema.extend({
  HOLD_TTL_MS: milliseconds(120_000).describe('how long a hold lasts before its units go back on sale'),
  EXPIRY_SWEEP_MS: milliseconds(500).describe('how often due holds are looked for'),
  VIEW_REFRESH_MS: milliseconds(15_000).describe('how often Redis is compared with the stock table as a whole'),
});
export type InventoryConfig = ReturnType<typeof readConfig>;
export const readConfig = () => readEnvironment(configSchema);
