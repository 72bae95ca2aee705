import { principalOf, requireUser, type AccessTokens, type Principal } from '@flash-sale/shared/auth.ts';
import { credentials, refresh, registration } from '@flash-sale/shared/contract/schemas.ts';
import { AppError } from '@flash-sale/shared/errors.ts';
import { bodyOf } from '@flash-sale/shared/http/validate.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { Logger } from '@flash-sale/shared/log.ts';
import type { Lane } from '@flash-sale/shared/messaging/lane.ts';
import { Router, type Response } from 'express';
import type { Accounts } from './adapters/accounts.ts';
import type { Credentials } from './adapters/credentials.ts';
import type { DeviceTokens } from './adapters/device-tokens.ts';
import type { Limits } from './adapters/log-in-limits.ts';
import { hashOf, newRefreshToken } from './adapters/refresh-tokens.ts';
import type { State } from './adapters/state.ts';
import type { UserCommands } from './commands.ts';

export interface RouteDeps {
  lane: Lane<State, never, UserCommands>;
  accounts: Accounts;
  passwords: Credentials;
  limits: Limits;
  devices: DeviceTokens;
  tokens: AccessTokens;
  log: Logger;
  accessTokenTtlS: number;
  refreshTokenTtlS: number;
}

export function routes({
  lane,
  accounts,
  passwords,
  limits,
  devices,
  tokens,
  log,
  accessTokenTtlS,
  refreshTokenTtlS,
}: RouteDeps): Router {
  const ttlMs = refreshTokenTtlS * 1000;
  const router = Router();

  const sendSession = (response: Response, principal: Principal, refreshToken: string, deviceToken?: string) =>
    response
      .status(201)
      .set('Cache-Control', 'no-store')
      .json({
        accessToken: tokens.sign(principal, accessTokenTtlS),
        refreshToken,
        expiresIn: accessTokenTtlS,
        deviceToken,
      });

  router.post('/api/users', async (request, response) => {
    const { email, password, name } = bodyOf(request, registration);
    const id = await limits.registration(request.ip, async (priority) => {
      if (await accounts.byEmail(email)) throw emailTaken();
      const passwordHash = await passwords.hash(password, priority);
      const account = { id: newId(), email, passwordHash, name: name ?? null, role: 'shopper' as const };
      const { result } = await lane.run('registerAccount', account);
      if (result.outcome === 'email-taken') throw emailTaken();
      return account.id;
    });
    response.status(201).json({ id, email });
  });

  router.post('/api/sessions', async (request, response) => {
    const { email, password } = bodyOf(request, credentials);
    const { account, device } = await limits.logIn(request.ip, async () => {
      const found = await accounts.byEmail(email);
      const known = devices.deviceOf(request.get('device-token'), found);
      const guess = { address: request.ip, email, known };
      const right = await limits.guess(guess, (priority) => passwords.verify(found, password, priority));
      if (!right || !found) throw wrongCredentials();
      return { account: found, device: known };
    });
    const { token, tokenHash } = newRefreshToken();
    await lane.run('openSession', { id: newId(), userId: account.id, tokenHash, ttlMs });
    sendSession(response, { userId: account.id, role: account.role }, token, devices.issue(account, device));
  });

  router.post('/api/sessions/refresh', async (request, response) => {
    const { refreshToken } = bodyOf(request, refresh);
    const next = newRefreshToken();
    const { result } = await lane.run('rotateSession', {
      presentedHash: hashOf(refreshToken),
      nextHash: next.tokenHash,
      ttlMs,
    });
    if (result.outcome === 'refused') {
      if (result.reason === 'reused')
        log.warn({ sessionId: result.sessionId }, 'a used refresh token came again; its session is revoked');
      // One answer for all reasons: whoever tries stolen tokens learns nothing from it.
      throw new AppError('refresh-token-invalid', 'The refresh token is not valid any more; log in again.');
    }
    sendSession(response, { userId: result.userId, role: result.role }, next.token);
  });

  router.get('/api/users/me', requireUser(tokens), async (request, response) => {
    const profile = await accounts.profile(principalOf(request).userId);
    if (!profile) throw new AppError('unauthenticated', 'The account of this access token does not exist.');
    response.set('Cache-Control', 'no-store').json(profile);
  });

  return router;
}

const emailTaken = () =>
  new AppError('email-taken', 'There is an account with this email already. Nothing was changed.');

const wrongCredentials = () => new AppError('wrong-credentials', 'There is no account with this email and password.');
