import { principalOf, requireUser } from '@flash-sale/shared/auth.ts';
import { credentials, refresh, registration } from '@flash-sale/contract/api/schemas.ts';
import type { BeginsJourney } from '@flash-sale/shared/http/admission.ts';
import { bodyOf } from '@flash-sale/shared/http/validate.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { AccessTokens } from '@flash-sale/shared/auth.ts';
import type { Logger } from '@flash-sale/shared/log.ts';
import { Router, type Request, type Response } from 'express';
import type { Accounts } from './adapters/accounts.ts';
import type { Credentials } from './adapters/credentials.ts';
import type { DeviceTokens } from './adapters/device-tokens.ts';
import type { Limits } from './adapters/log-in-limits.ts';
import { hashOf, newRefreshToken } from './adapters/refresh-tokens.ts';
import type { UserLane } from './adapters/unit-of-work.ts';
import type { Lifetime } from './domain/session.ts';
import type { Session } from './domain/state.ts';
import { emailTaken, noAccount, passwordTooCommon, refreshTokenInvalid, wrongCredentials } from './problems.ts';

export interface RouteDeps {
  lane: UserLane;
  accounts: Accounts;
  passwords: Credentials;
  commonPasswords: { has(password: string): boolean };
  limits: Limits;
  devices: DeviceTokens;
  tokens: AccessTokens;
  log: Logger;
  beginsJourney: BeginsJourney;
  accessTokenTtlS: number;
  lifetime: Lifetime;
}

/** Registration, log-in and refresh; how owners manage their account is in owner-routes.ts. */
export function routes(deps: RouteDeps): Router {
  const { lane, accounts, passwords, limits, devices, tokens, log, beginsJourney, accessTokenTtlS, lifetime } = deps;
  const router = Router();

  const sendSession = (
    response: Response,
    session: Pick<Session, 'id' | 'userId' | 'role' | 'credentialsVersion'>,
    further: { refreshToken: string; deviceToken?: string },
  ) => {
    const { id: sessionId, userId, role, credentialsVersion } = session;
    const accessToken = tokens.sign({ userId, role, sessionId, credentialsVersion }, accessTokenTtlS);
    response.status(201).json({ accessToken, expiresIn: accessTokenTtlS, ...further });
  };

  router.post('/api/users', beginsJourney('log-in'), async (request, response) => {
    const { email, password, name } = bodyOf(request, registration);
    if (deps.commonPasswords.has(password)) throw passwordTooCommon('password');
    const id = await limits.registration(request.ip, async (priority) => {
      if (await accounts.byEmail(email)) throw emailTaken();
      const passwordHash = await passwords.hash(password, priority, limits.callerOf(request.ip, email));
      const account = { id: newId(), email, passwordHash, name: name ?? null, role: 'shopper' as const };
      const { result } = await lane.run('registerAccount', account);
      if ('refusal' in result) throw emailTaken();
      return account.id;
    });
    response.status(201).json({ id, email });
  });

  router.post('/api/sessions', beginsJourney('log-in'), async (request, response) => {
    const { email, password } = bodyOf(request, credentials);
    const { account, device } = await limits.logIn(request.ip, async () => {
      const found = await accounts.byEmail(email);
      const known = devices.deviceOf(request.get('device-token'), found);
      const guess = { address: request.ip, email, known };
      const caller = limits.callerOf(request.ip, email);
      const right = await limits.guess(guess, (priority) => passwords.verify(found, password, priority, caller));
      if (!right || !found) throw wrongCredentials();
      return { account: found, device: known };
    });
    const { token: refreshToken, tokenHash } = newRefreshToken();
    const { role, credentialsVersion } = account;
    const session = { id: newId(), userId: account.id, tokenHash, credentialsVersion };
    await lane.run('openSession', { ...session, lifetime, userAgent: userAgentOf(request) });
    sendSession(response, { ...session, role }, { refreshToken, deviceToken: devices.issue(account, device) });
  });

  router.post('/api/sessions/refresh', async (request, response) => {
    const { refreshToken } = bodyOf(request, refresh);
    const next = newRefreshToken();
    const presentedHash = hashOf(refreshToken);
    const { result } = await lane.run('rotateSession', { presentedHash, nextHash: next.tokenHash, lifetime });
    if ('refusal' in result) {
      if (result.refusal === 'reused')
        log.warn({ sessionId: result.sessionId }, 'a used refresh token came again; its session is revoked');
      throw refreshTokenInvalid();
    }
    sendSession(response, result.session, { refreshToken: next.token });
  });

  router.get('/api/users/me', requireUser(tokens), async (request, response) => {
    const profile = await accounts.profile(principalOf(request).userId);
    if (!profile) throw noAccount();
    response.json(profile);
  });

  return router;
}

const maxUserAgent = 200;

/** The client's name, as the owner will recognise it in the list of sessions. */
function userAgentOf(request: Request): string | null {
  const printable = (request.get('user-agent') ?? '').replace(/[^\x20-\x7e]/g, '').trim();
  return printable === '' ? null : printable.slice(0, maxUserAgent);
}
