import { bound, databaseSchema, count, readEnvironment, type EnvironmentOf } from '@flash-sale/shared/config.ts';
import { addressesPerNetwork, addressSet } from '@flash-sale/shared/http/rate-limit.ts';
import { z } from 'zod';

const aDayMs = 86_400_000;

/** The reservation service's settings, besides those that every service has (shared/src/config.ts). */
export const configSchema = databaseSchema.extend({
  OPEN_RESERVATIONS_MAX: bound(10).describe(
    'reservations that one shopper may have pending or held; 0 lifts the bound',
  ),
  LEFT_TO_EXPIRE_MAX: bound(10).describe(
    'holds that one shopper may leave to expire within an hour; one that is cancelled counts by the share of its time that it lasted, a tenth at least, and one whose payment was tried half; 0 lifts the bound',
  ),
  CART_LIMIT_PER_ACCOUNT: count(240).describe('changes of carts a minute by one account'),
  CART_LIMIT_PER_ADDRESS: count(20_000).describe('changes of carts a minute from one address'),
  RESERVATION_LIMIT_PER_ACCOUNT: count(60).describe('reservations and cancellations a minute by one account'),
  RESERVATION_LIMIT_PER_ADDRESS: count(10_000).describe('reservations and cancellations a minute from one address'),
  ADDRESSES_PER_NETWORK: addressesPerNetwork,
  RATE_LIMIT_EXEMPT: addressSet.describe('addresses without limits, CIDRs separated by commas'),
  USED_KEY_RETENTION_MS: z.coerce
    .number()
    .int()
    .min(aDayMs)
    .default(aDayMs)
    .describe('how long an Idempotency-Key is honoured after its reservation was removed'),
});
export type ReservationConfig = ReturnType<typeof readConfig>;
export const readConfig = (...from: EnvironmentOf) => readEnvironment(configSchema, ...from);
