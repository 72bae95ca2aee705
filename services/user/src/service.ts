import type { ServiceDefinition } from '@flash-sale/shared/service/service.ts';
import { Router } from 'express';
import { migrations } from '../migrations/index.ts';
import { Accounts } from './adapters/accounts.ts';
import { ensureAdmin } from './adapters/admin.ts';
import { Credentials } from './adapters/credentials.ts';
import { DeviceTokens } from './adapters/device-tokens.ts';
import { Limits } from './adapters/log-in-limits.ts';
import { pruneSessions } from './adapters/prune.ts';
import { load, save, type State } from './adapters/state.ts';
import type { Tables } from './adapters/tables.ts';
import { commands, type UserCommands } from './commands.ts';
import type { UserConfig } from './config.ts';
import { docs } from './docs.ts';
import { routes } from './routes.ts';

const pruneEveryMs = 60_000;

export const userService: ServiceDefinition<UserConfig, Tables, State, never, UserCommands> = {
  name: 'user',
  migrations,
  async build({ config, log, reads, redis, tokens }) {
    if (config.ADMIN_EMAIL && config.ADMIN_PASSWORD)
      await ensureAdmin(reads, config.ADMIN_EMAIL, config.ADMIN_PASSWORD);
    const accounts = new Accounts(reads, { maxItems: config.BATCH_MAX, maxQueued: config.BATCH_QUEUE_MAX });
    const passwords = new Credentials({
      concurrency: config.PASSWORD_CONCURRENCY,
      maxQueued: config.PASSWORD_QUEUE_MAX,
      longestWaitMs: config.PASSWORD_WAIT_MS,
      cacheMax: config.CREDENTIAL_CACHE_MAX,
      cacheMs: config.CREDENTIAL_CACHE_MS,
    });
    const limits = new Limits({
      redis,
      exempt: config.RATE_LIMIT_EXEMPT,
      logInsPerAddress: config.LOGIN_LIMIT_PER_ADDRESS,
      failuresPerAccountAndAddress: config.LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS,
      failuresPerAccount: config.LOGIN_FAILURES_PER_ACCOUNT,
      triesPerNewAddress: config.LOGIN_TRIES_PER_NEW_ADDRESS,
      registrationsPerAddress: config.REGISTRATION_LIMIT_PER_ADDRESS,
    });
    const devices = new DeviceTokens(config.JWT_SECRET, config.DEVICE_TOKEN_TTL_S);
    const { ACCESS_TOKEN_TTL_S: accessTokenTtlS, REFRESH_TOKEN_TTL_S: refreshTokenTtlS } = config;
    return {
      unitOfWork: { load, save, commands, handlers: {} },
      routes: (lane) =>
        Router()
          .use(docs())
          .use(routes({ lane, accounts, passwords, limits, devices, tokens, log, accessTokenTtlS, refreshTokenTtlS })),
      tasks: () => [{ name: 'session-prune', everyMs: pruneEveryMs, task: () => pruneSessions(reads) }],
    };
  },
};
