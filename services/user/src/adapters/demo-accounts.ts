import type pg from 'pg';
import { hashOfNoPassword, hashPassword, verifyPassword } from './passwords.ts';

export const demoPassword = 'flash-sale-demo';
/** Demo accounts share hashes and so salts, which is acceptable only for a public password: 2,000 hashes would cost a minute of CPU. */
const maxHashes = 32;
/** The demo has few hashes, each shared by many accounts. Other people may have registered similar addresses, with a hash each. */
const maxTried = 100;
const demoAdmin = 'admin@example.com';
/** The demo's addresses; example.com is reserved for examples. */
const addresses = '^(admin|shopper[0-9]{1,7})@example[.]com$';
/** So that a locked account does not show. Earlier releases have written the same. */
const locked = hashOfNoPassword;

/** Hashes of the demo password for so many accounts, which share a few. */
export async function demoHashes(accounts: number): Promise<string[]> {
  const hashes = await Promise.all(
    Array.from({ length: Math.min(accounts, maxHashes) }, () => hashPassword(demoPassword)),
  );
  return Array.from({ length: accounts }, (_, index) => hashes[index % hashes.length]!);
}

/**
 * Locks every demo account, whichever release made it: log-ins fail, and sessions end. A shopper account whose password was
 * changed is left alone; the admin account is not, since anybody may have changed that password. Takes row locks in the same order as the
 * lane (statements.ts), so that both may run at once.
 * @param keep the address of the shop's own admin
 * @returns how many
 */
export async function lockDemoAccounts(client: pg.ClientBase, keep = ''): Promise<number> {
  const { rows } = await client.query<{ hash: string }>(
    `SELECT password_hash AS hash FROM account WHERE email ~ $1 AND password_hash <> $2
      GROUP BY password_hash ORDER BY count(*) DESC, min(created_at) LIMIT ${maxTried}`,
    [addresses, locked],
  );
  const known: string[] = [];
  for (const { hash } of rows) if (await verifyPassword(demoPassword, hash)) known.push(hash);
  const { rows: found } = await client.query<{ id: string }>(
    `UPDATE account
        SET password_hash = $3, credentials_version = credentials_version + 1, credentials_changed_at = now(),
            kept_session = NULL
      WHERE id IN (SELECT id FROM account
                    WHERE email ~ $1 AND password_hash <> $3 AND email <> $5
                      AND (password_hash = ANY($2::text[]) OR (email = $4 AND role = 'admin'))
                    ORDER BY id FOR UPDATE) RETURNING id`,
    [addresses, known, locked, demoAdmin, keep],
  );
  await client.query(
    `UPDATE session SET revoked_at = now()
      WHERE id IN (SELECT id FROM session WHERE user_id = ANY($1::uuid[]) AND revoked_at IS NULL ORDER BY id FOR UPDATE)`,
    [found.map(({ id }) => id)],
  );
  return found.length;
}

/** Gives the locked accounts the demo password again. @returns how many */
export async function unlockDemoAccounts(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT id FROM account WHERE email ~ $1 AND password_hash = $2',
    [addresses, locked],
  );
  if (rows.length === 0) return 0;
  await client.query(
    `UPDATE account SET password_hash = c.hash FROM unnest($1::uuid[], $2::text[]) c (id, hash)
      WHERE account.id = c.id AND account.id IN (SELECT id FROM account WHERE id = ANY($1) ORDER BY id FOR UPDATE)`,
    [rows.map(({ id }) => id), await demoHashes(rows.length)],
  );
  return rows.length;
}
