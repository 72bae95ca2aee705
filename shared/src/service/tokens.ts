import { accessTokens, type AccessTokens } from '../auth.ts';
import { EndedSessions } from '../ended-sessions.ts';
import { VerificationKeys } from '../signing-keys.ts';
import type { TokenAuthority } from '../token-authority.ts';
import type { ServiceContext, Task } from './definition.ts';

/** An ended session is to be known everywhere within 3 s, and the answer takes a moment. */
const askForEndedEveryMs = 2_000;
const askForKeysEveryMs = 30_000;

/**
 * By which a service knows who sends a request, and the tasks that keep it up to date. What the authority tells is asked
 * for and not waited for: no service needs the user service to start.
 */
export function openTokensOf(
  { config, log }: ServiceContext,
  authority: TokenAuthority,
): { tokens: AccessTokens; tasks: Task[] } {
  const ended = new EndedSessions({ source: authority.ended, log });
  const keys = new VerificationKeys(authority.keys);
  void ended.refresh();
  keys.learn().catch(() => {}); // a token that needs them asks again
  const { signWith } = authority;
  return {
    tokens: accessTokens(config.JWT_SECRET, { ended, keys, accepted: config.TOKEN_ALGORITHMS, signWith }),
    tasks: [
      // A key that is withdrawn is believed no longer than this.
      { name: 'token-keys', everyMs: askForKeysEveryMs, task: () => keys.learn() },
      { name: 'ended-sessions', everyMs: askForEndedEveryMs, task: () => ended.refreshIfUsed() },
    ],
  };
}
