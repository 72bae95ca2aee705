import { principalOf, requireUser } from '@flash-sale/shared/auth.ts';
import { deletion, passwordChange } from '@flash-sale/contract/api/schemas.ts';
import { bodyOf, idOf, notFound, uuidPattern } from '@flash-sale/shared/http/validate.ts';
import { Router, type Request } from 'express';
import type { Account } from './adapters/accounts.ts';
import type { Caller } from './adapters/refusals.ts';
import type { Priority } from './adapters/waiting-line.ts';
import { noAccount, passwordTooCommon, sessionEnded, sessionNotNamed, wrongPassword } from './problems.ts';
import type { RouteDeps } from './routes.ts';

/** How owners manage their account and its sessions. */
export function ownerRoutes(deps: RouteDeps): Router {
  const { lane, accounts, passwords, limits, devices, tokens } = deps;
  const router = Router();
  const signedIn = requireUser(tokens);

  router.get('/api/sessions', signedIn, async (request, response) => {
    const { userId, sessionId } = principalOf(request);
    const sessions = await accounts.sessions(userId);
    const items = sessions.map((session) => ({
      id: session.id,
      current: session.id === sessionId,
      createdAt: session.created_at.toISOString(),
      refreshedAt: session.refreshed_at?.toISOString() ?? null,
      expiresAt: session.expires_at.toISOString(),
      userAgent: session.user_agent,
    }));
    response.json({ items });
  });

  router.delete('/api/sessions/current', signedIn, async (request, response) => {
    const { userId } = principalOf(request);
    // Whether this request ended it or an earlier one: it has ended.
    await lane.run('endSession', { userId, sessionId: sessionOf(request) });
    response.status(204).end();
  });

  // A path part that is no id names no session, but perhaps another route, with other methods.
  router.param('id', (_request, _response, next, id) => next(uuidPattern.test(String(id)) ? undefined : 'route'));
  router.delete('/api/sessions/:id', signedIn, async (request, response) => {
    const { userId } = principalOf(request);
    const { result } = await lane.run('endSession', { userId, sessionId: idOf(request, 'session') });
    if ('refusal' in result) throw notFound('session');
    response.status(204).end();
  });

  router.put('/api/users/me/password', signedIn, async (request, response) => {
    const { currentPassword, newPassword } = bodyOf(request, passwordChange);
    if (deps.commonPasswords.has(newPassword)) throw passwordTooCommon('newPassword');
    const { account, outcome: nextHash } = await confirmed(request, (one, ...turn) =>
      passwords.change(one, { current: currentPassword, next: newPassword }, ...turn),
    );
    const keptSession = sessionOf(request);
    const change = { userId: account.id, currentHash: account.passwordHash, nextHash, keptSession };
    const { result } = await lane.run('changePassword', change);
    if ('refusal' in result) throw result.refusal === 'outdated' ? wrongPassword() : sessionEnded();
    response.json({ deviceToken: devices.issue({ ...account, passwordHash: nextHash }) });
  });

  router.delete('/api/users/me', signedIn, async (request, response) => {
    const { password } = bodyOf(request, deletion);
    const { account } = await confirmed(request, (one, ...turn) => passwords.verify(one, password, ...turn));
    const { result } = await lane.run('deleteAccount', { userId: account.id, currentHash: account.passwordHash });
    if ('refusal' in result) throw wrongPassword();
    response.status(204).end();
  });

  /**
   * The account, after its password was confirmed, and what came of that. Wrong ones count for the session, so that a stolen one cannot
   * be used to guess.
   * @param confirm nothing comes of a wrong one
   */
  const confirmed = async <Right>(
    request: Request,
    confirm: (account: Account, priority: Priority, caller: Caller) => Promise<Right>,
  ) => {
    const account = await accounts.byId(principalOf(request).userId);
    if (!account) throw noAccount();
    const guess = { address: request.ip, email: account.email, known: `session:${sessionOf(request)}` };
    // Right ones count for the address: each costs as much as a log-in, and is served before those of others.
    const caller = limits.callerOf(request.ip, account.email);
    const outcome = await limits.logIn(request.ip, () =>
      limits.guess(guess, (priority) => confirm(account, priority, caller)),
    );
    if (!outcome) throw wrongPassword();
    return { account, outcome };
  };

  return router;
}

/** @throws AppError unauthenticated for a token of an earlier release, which does not name its session */
function sessionOf(request: Request): string {
  const { sessionId } = principalOf(request);
  if (sessionId === undefined) throw sessionNotNamed();
  return sessionId;
}
