import { request } from 'undici';
import { endedPage, type EndedSource } from './ended-sessions.ts';
import { keySet, type KeySource, type SigningKey } from './signing-keys.ts';

/** Who decides which tokens are good: the user service. */
export interface TokenAuthority {
  ended: EndedSource;
  keys: KeySource;
  /** What tokens are signed with, if it is not the shared secret; only the user service has it. */
  signWith?: SigningKey | undefined;
}

const answerWithinMs = 1_500;

/** The user service as the others reach it, through the internal listener. */
export function authorityAt({
  INTERNAL_URL,
  INTERNAL_TOKEN,
}: Record<'INTERNAL_URL' | 'INTERNAL_TOKEN', string>): TokenAuthority {
  const ask = async (path: string): Promise<unknown> => {
    const { statusCode, body } = await request(`${INTERNAL_URL}/internal/user${path}`, {
      headers: { authorization: `Bearer ${INTERNAL_TOKEN}` },
      headersTimeout: answerWithinMs,
      bodyTimeout: answerWithinMs,
    });
    if (statusCode === 200) return body.json();
    await body.dump();
    throw new Error(`the user service answered ${statusCode}`);
  };
  return {
    ended: async (cursor) => {
      const query = cursor === undefined ? '' : `?after=${encodeURIComponent(cursor)}`;
      return endedPage.parse(await ask(`/sessions/ended${query}`));
    },
    keys: async () => keySet.parse(await ask('/jwks')).keys,
  };
}
