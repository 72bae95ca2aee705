import type { Metrics } from '@flash-sale/shared/metrics/metrics.ts';
import { pruneEveryMs } from '@flash-sale/shared/service/retention.ts';
import { serviceWithDatabase } from '@flash-sale/shared/service/with-database.ts';
import { Router, type RequestHandler } from 'express';
import { migrations } from '../migrations/index.ts';
import { Accounts } from './adapters/accounts.ts';
import { argon2id } from './adapters/argon2.ts';
import { ensureAdmin } from './adapters/admin.ts';
import { commonPasswords } from './adapters/common-passwords.ts';
import { Credentials } from './adapters/credentials.ts';
import { DeviceTokens } from './adapters/device-tokens.ts';
import { endedAfter } from './adapters/ended-sessions.ts';
import { HashProcess } from './adapters/hash-process.ts';
import { Limits } from './adapters/log-in-limits.ts';
import { measureHashMs } from './adapters/passwords.ts';
import { pruneSessions } from './adapters/prune.ts';
import type { Tables } from './adapters/tables.ts';
import { redisTurns } from './adapters/turns.ts';
import { userUnitOfWork } from './adapters/unit-of-work.ts';
import type { UserConfig } from './config.ts';
import { docs } from './docs.ts';
import { internalRoutes } from './internal-routes.ts';
import { ownerRoutes } from './owner-routes.ts';
import { routes } from './routes.ts';

export const userService = serviceWithDatabase<UserConfig, Tables>({
  name: 'user',
  migrations,
  tokenAuthority: (db, config) => ({
    ended: (cursor) => endedAfter(db, cursor, keepEndedFor(config)),
    keys: () => Promise.resolve(config.TOKEN_KEYS.map((key) => key.publicKey)),
    signWith: config.TOKEN_SIGNING === 'es256' ? config.TOKEN_KEYS[0] : undefined,
  }),
  async build({ config, log, metrics, reads, background, openLane, redis, tokens, beginsJourney, logInsAtDoor }) {
    if (config.ADMIN_EMAIL && config.ADMIN_PASSWORD)
      await ensureAdmin(reads.primary, config.ADMIN_EMAIL, config.ADMIN_PASSWORD);
    const accounts = new Accounts(reads.primary, { maxItems: config.BATCH_MAX, maxQueued: config.BATCH_QUEUE_MAX });
    if (argon2id.insteadOf !== undefined)
      log.warn({ reason: argon2id.insteadOf }, 'passwords are hashed by node:crypto, which takes twice as long');
    const concurrency = config.PASSWORD_CONCURRENCY;
    const hashing = new HashProcess({ concurrency, log, restAfterMs: config.PASSWORD_PROCESS_REST_MS });
    const passwords = new Credentials({
      concurrency,
      maxQueued: config.PASSWORD_QUEUE_MAX,
      maxWaitMs: config.PASSWORD_WAIT_MS,
      hashMs: measureHashMs(),
      maxAheadMs: config.PASSWORD_RETRY_AFTER_MAX_MS,
      maxTurnsPerClient: config.LOGIN_LIMIT_PER_ADDRESS,
      turns: redisTurns(redis),
      // Who comes for a turn is asked at the door first, like everybody, and may be refused there; the turn is kept.
      atDoor: logInsAtDoor,
      cacheMax: config.CREDENTIAL_CACHE_MAX,
      cacheMs: config.CREDENTIAL_CACHE_MS,
      guarantee: { afterMs: config.PASSWORD_GUARANTEE_AFTER_MS, everyMs: config.PASSWORD_GUARANTEE_EVERY_MS },
      derive: { beside: (of) => hashing.derive(of), here: argon2id.derive },
    });
    watchPasswords(metrics, passwords);
    const limits = new Limits({
      redis,
      exempt: config.RATE_LIMIT_EXEMPT,
      logInsPerAddress: config.LOGIN_LIMIT_PER_ADDRESS,
      failuresPerAccountAndAddress: config.LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS,
      failuresPerAccount: config.LOGIN_FAILURES_PER_ACCOUNT,
      triesPerNewAddress: config.LOGIN_TRIES_PER_NEW_ADDRESS,
      registrationsPerAddress: config.REGISTRATION_LIMIT_PER_ADDRESS,
      addressesPerNetwork: config.ADDRESSES_PER_NETWORK,
    });
    const lane = openLane(userUnitOfWork);
    const deps = {
      lane,
      accounts,
      passwords,
      commonPasswords,
      limits,
      devices: new DeviceTokens(config.JWT_SECRET, config.DEVICE_TOKEN_TTL_S),
      tokens,
      log,
      beginsJourney,
      accessTokenTtlS: config.ACCESS_TOKEN_TTL_S,
      lifetime: { idleMs: config.REFRESH_TOKEN_TTL_S * 1_000, absoluteMs: config.SESSION_TTL_S * 1_000 },
    };
    const keepEndedS = keepEndedFor(config);
    return {
      lane,
      routes: Router()
        .use(docs())
        .use(['/api/users', '/api/sessions'], noStore)
        .use(routes(deps))
        .use(ownerRoutes(deps)),
      internalRoutes: internalRoutes(background, config.TOKEN_KEYS, keepEndedS),
      close: () => hashing.close(),
      tasks: [{ name: 'session-prune', everyMs: pruneEveryMs, task: () => pruneSessions(reads.primary, keepEndedS) }],
    };
  },
});

/** For as long as an access token may outlive its session, plus a minute for clocks that differ. */
const keepEndedFor = ({ ACCESS_TOKEN_TTL_S }: UserConfig): number => ACCESS_TOKEN_TTL_S + 60;

/** Has metrics tell how the line of log-ins fares. */
const watchPasswords = (metrics: Metrics, passwords: Credentials): void =>
  metrics.watch({
    measurement: 'passwords',
    gauges: {
      waiting: 'flash_sale_passwords_waiting',
      hashed: 'flash_sale_passwords_hashed',
      guaranteed: 'flash_sale_passwords_guaranteed',
      refused: 'flash_sale_passwords_refused',
      promised: 'flash_sale_passwords_promised',
    },
    read: () => [{ fields: passwords.figures }],
  });

/** These answers are about one person and must not be cached. */
const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};
