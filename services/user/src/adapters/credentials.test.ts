import { describe, expect, test } from '@jest/globals';
import type { Account } from './accounts.ts';
import { Credentials } from './credentials.ts';
import { hashPassword, verifyPassword, type Derive } from './passwords.ts';
import { argon2id } from './argon2.ts';

const caller = () => ({ who: 'somebody' });

async function aLine() {
  const computed: string[] = [];
  const derive: Derive = (of) => {
    computed.push(Buffer.from(of.message).toString());
    return argon2id.derive(of);
  };
  const account = { id: 'a', passwordHash: await hashPassword('current') } as Account;
  const credentials = new Credentials({
    concurrency: 1,
    maxQueued: 10,
    maxWaitMs: 60_000,
    cacheMax: 10,
    cacheMs: 60_000,
    derive: { beside: derive, here: derive },
  });
  const change = (current: string) => credentials.change(account, { current, next: 'next' }, 'known', caller);
  const logIn = (password: string) => credentials.verify(account, password, 'known', caller);
  return { computed, credentials, change, logIn };
}

describe('a change of a password', () => {
  test('has both its hashes in one turn, before those who came later', async () => {
    const { computed, credentials, change, logIn } = await aLine();
    const [changed] = await Promise.all([change('current'), logIn('of another')]);
    expect(computed).toEqual(['current', 'next', 'of another']);
    expect(await verifyPassword('next', changed!)).toBe(true);
    expect(credentials.figures).toMatchObject({ hashed: 3, waiting: 0 });
  });

  test('with a wrong one computes nothing further', async () => {
    const { computed, credentials, change } = await aLine();
    expect(await change('not this')).toBeUndefined();
    expect(computed).toEqual(['not this']);
    expect(credentials.figures).toMatchObject({ hashed: 1 });
  });

  test('of one that is remembered verifies nothing', async () => {
    const { computed, change, logIn } = await aLine();
    expect(await logIn('current')).toBe(true);
    expect(await verifyPassword('next', (await change('current'))!)).toBe(true);
    expect(computed).toEqual(['current', 'next']);
  });
});
