import type pg from 'pg';
import { hashPassword, verifyPassword } from './passwords.ts';

export const demoPassword = 'flash-sale-demo';
/** Accounts of the demo share salts, which only a password that everybody knows may do: 2,000 hashes cost a minute of CPU. */
const maxHashes = 32;
/** The demo's hashes are few, and shared by many; strangers may have registered addresses like its own, one hash each. */
const maxTried = 100;
const demoAdmin = 'admin@example.com';
/** Whose addresses these are; example.com belongs to nobody. */
const addresses = '^(admin|shopper[0-9]{1,7})@example[.]com$';
/** A hash that no password has: to try one costs as much as to try any, so that a locked account answers like every other. */
const locked = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** Hashes of the demo's password, one for each of so many accounts; they share them. */
export async function demoHashes(accounts: number): Promise<string[]> {
  const hashes = await Promise.all(
    Array.from({ length: Math.min(accounts, maxHashes) }, () => hashPassword(demoPassword)),
  );
  return Array.from({ length: accounts }, (_, index) => hashes[index % hashes.length]!);
}

/**
 * Locks every account of the demo, whichever release made it: nobody logs in, and sessions end. A shopper who has changed the
 * password since is left alone; the admin is not, for anybody may have changed that one. Locks in the order of the lane
 * (statements.ts), beside which it may run.
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

/** Gives the locked ones their password again. @returns how many */
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
