import { z } from 'zod';
import { databaseSchema, milliseconds, readEnvironment, type EnvironmentOf } from '@flash-sale/shared/config.ts';

/** The payment service's settings, besides those that every service has (shared/src/config.ts). */
export const configSchema = databaseSchema.extend({
  GATEWAY_DATABASE_URL: z.url().describe("the built-in gateway's ledger"),
  GATEWAY_MIGRATION_DATABASE_URL: z.url().optional().describe('as MIGRATION_DATABASE_URL'),
  GATEWAY_TIMEOUT_MS: milliseconds(3_500).describe('after this a call has an unknown outcome'),
  ORDER_WAIT_MS: milliseconds(150_000).describe(
    'how long a payment waits for its order, as in an outage of the order service; then it is declined, unpaid, and another try may follow',
  ),
  ARRIVAL_TIMEOUT_MS: milliseconds(2_000).describe('longest a payment is waited for whose order has not arrived yet'),
  ORPHAN_SWEEP_MS: milliseconds(5_000),
});
export type PaymentConfig = ReturnType<typeof readConfig>;
export const readConfig = (...from: EnvironmentOf) => readEnvironment(configSchema, ...from);
