import { endedPage, type EndedSource } from './ended-sessions.ts';
import type { InternalClient } from './messaging/http-client.ts';
import { keySet, type KeySource, type SigningKey } from './signing-keys.ts';

/** Who decides which tokens are good: the user service. */
export interface TokenAuthority {
  ended: EndedSource;
  keys: KeySource;
  /** What tokens are signed with, if it is not the shared secret; only the user service has it. */
  signWith?: SigningKey | undefined;
}

/** The user service as the others reach it. */
export function authorityAt(peers: Pick<InternalClient, 'get'>): TokenAuthority {
  return {
    ended: async (cursor) => {
      const query = cursor === undefined ? '' : `?after=${encodeURIComponent(cursor)}`;
      return endedPage.parse(await peers.get('user', `/sessions/ended${query}`));
    },
    keys: async () => keySet.parse(await peers.get('user', '/jwks')).keys,
  };
}
