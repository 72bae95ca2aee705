import { availableParallelism } from 'node:os';
import { tokenAlgorithms } from '@flash-sale/shared/auth.ts';
import { demoSettings } from '@flash-sale/shared/demo.ts';
import { databaseSchema, count, milliseconds, readEnvironment, type EnvironmentOf } from '@flash-sale/shared/config.ts';
import { addressesPerNetwork, addressSet } from '@flash-sale/shared/http/rate-limit.ts';
import { registration } from '@flash-sale/contract/api/schemas.ts';
import { signingKey, type SigningKey } from '@flash-sale/shared/signing-keys.ts';
import { z } from 'zod';

const fiveMinutesMs = 300_000;

/** The key pairs of a list of secrets. */
function signingKeys(text: string, context: z.core.$RefinementCtx): SigningKey[] {
  try {
    return text.split(',').flatMap((part) => (part.trim() === '' ? [] : signingKey(part.trim())));
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
}

export const configSchema = databaseSchema.extend({
  ACCESS_TOKEN_TTL_S: z.coerce.number().int().min(1).max(86_400).default(900),
  REFRESH_TOKEN_TTL_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(31_536_000)
    .default(2_592_000)
    .describe('each refresh starts it anew'),
  SESSION_TTL_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(31_536_000)
    .default(7_776_000)
    .describe('how long a session lives at most, however often it is refreshed'),
  TOKEN_SIGNING: z
    .enum(tokenAlgorithms)
    .default('hs256')
    .describe('what signs access tokens: JWT_SECRET, which all services know, or the first of TOKEN_KEYS'),
  TOKEN_KEYS: z
    .string()
    .default('')
    .transform(signingKeys)
    .describe('secrets of 32 bytes, in hexadecimal or base64url, separated by commas; the others are for rotation'),
  PASSWORD_CONCURRENCY: count(availableParallelism()).describe(
    'password hashes computed at once, in a process beside; each takes a processor for 10 to 20 ms, and 19 MiB',
  ),
  PASSWORD_QUEUE_MAX: count(4_096).describe(
    'log-ins and registrations that may wait for it, however fast they are served; more are refused with 503',
  ),
  PASSWORD_WAIT_MS: milliseconds(3_000).describe(
    'who would wait longer for it is refused at once, with 503 and the time to come back',
  ),
  PASSWORD_RETRY_AFTER_MAX_MS: milliseconds(600_000).describe('nobody is told to come back later'),
  PASSWORD_PROCESS_REST_MS: milliseconds(30_000).describe(
    'the process that hashes starts when it is needed, and ends when it was not for so long',
  ),
  PASSWORD_GUARANTEE_AFTER_MS: milliseconds(250).describe(
    'when that process has hashed nothing for so long though somebody waits, the service itself hashes for the first in the line',
  ),
  PASSWORD_GUARANTEE_EVERY_MS: milliseconds(100).describe(
    '… one in so long: at the normal priority, whatever else runs, each takes a processor for 10 to 20 ms',
  ),
  CREDENTIAL_CACHE_MAX: count(20_000).describe('verified log-ins that are remembered'),
  CREDENTIAL_CACHE_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(fiveMinutesMs)
    .default(fiveMinutesMs)
    .describe('after its last use; 0 remembers none'),
  LOGIN_LIMIT_PER_ADDRESS: count(300).describe('log-ins a minute from one address, successful or not'),
  LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS: count(10).describe('wrong passwords a minute'),
  LOGIN_FAILURES_PER_ACCOUNT: count(64).describe(
    'wrong passwords an hour from all new addresses together, besides their own tries; of a known device or address alone',
  ),
  LOGIN_TRIES_PER_NEW_ADDRESS: count(3).describe(
    'wrong passwords an hour of its own that an address has which is new to the account',
  ),
  DEVICE_TOKEN_TTL_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(63_072_000)
    .default(31_536_000)
    .describe('how long a device is known after its last log-in'),
  REGISTRATION_LIMIT_PER_ADDRESS: count(30).describe('registrations a minute from one address'),
  ADDRESSES_PER_NETWORK: addressesPerNetwork,
  RATE_LIMIT_EXEMPT: addressSet.describe('addresses without limits, CIDRs separated by commas'),
  ADMIN_EMAIL: registration.shape.email.optional().describe('an admin account that exists from the start'),
  ADMIN_PASSWORD: registration.shape.password.optional(),
});

export type UserConfig = z.output<typeof configSchema>;

/** Exits the process when the environment is not usable. */
export const readConfig = (...from: EnvironmentOf): UserConfig =>
  readEnvironment(
    configSchema
      .refine((config) => (config.ADMIN_EMAIL === undefined) === (config.ADMIN_PASSWORD === undefined), {
        path: ['ADMIN_PASSWORD'],
        message: 'ADMIN_EMAIL and ADMIN_PASSWORD go together',
      })
      .refine(({ TOKEN_SIGNING, TOKEN_KEYS }) => TOKEN_SIGNING === 'hs256' || TOKEN_KEYS.length > 0, {
        path: ['TOKEN_KEYS'],
        message: 'TOKEN_SIGNING=es256 needs a key',
      })
      .refine(({ TOKEN_SIGNING, TOKEN_ALGORITHMS }) => TOKEN_ALGORITHMS.includes(TOKEN_SIGNING), {
        path: ['TOKEN_ALGORITHMS'],
        message: 'must accept what TOKEN_SIGNING signs with',
      }),
    ...from,
  );

/** The settings that removing the demo data needs; in a cluster it is given no others. */
export const demoEndSchema = configSchema.pick({ DATABASE_URL: true, RUN_AS: true, ADMIN_EMAIL: true });
export const readDemoEndConfig = () => readEnvironment(demoEndSchema);

/** For loading the demo data: the same, and how many shoppers. */
export const readDemoConfig = () =>
  readEnvironment(configSchema.extend({ ...demoSettings, DEMO_SHOPPERS: count(2_000) }));
