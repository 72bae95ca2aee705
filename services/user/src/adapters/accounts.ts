import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import { Batcher } from '@flash-sale/shared/messaging/batcher.ts';
import { CompiledQuery, sql, type Kysely } from 'kysely';
import type { Role } from '../domain/state.ts';
import type { Tables } from './tables.ts';

export interface Account {
  id: string;
  email: string;
  passwordHash: string;
  role: Role;
  credentialsVersion: number;
}

const columns = 'id, email, password_hash AS "passwordHash", role, credentials_version AS "credentialsVersion"';
const byEmail = `SELECT ${columns} FROM account WHERE email = ANY($1::text[])`;
const byId = `SELECT ${columns} FROM account WHERE id = $1 AND deleted_at IS NULL`;

const maxListed = 100;

/** Reads of accounts. Look-ups that arrive while a query runs share the next one. */
export class Accounts {
  readonly #db: Kysely<Tables>;
  readonly #lookUps: Batcher<string, Account | undefined>;

  constructor(db: Kysely<Tables>, limits: { maxItems: number; maxQueued: number }) {
    this.#db = db;
    this.#lookUps = new Batcher({ ...limits, flush: (emails) => this.#find(emails) });
  }

  /** @param email in lower case @throws AppError unavailable, overloaded */
  byEmail(email: string): Promise<Account | undefined> {
    return orUnavailable(this.#lookUps.run(email));
  }

  /** @throws AppError unavailable */
  async byId(id: string): Promise<Account | undefined> {
    const { rows } = await orUnavailable(this.#db.executeQuery<Account>(CompiledQuery.raw(byId, [id])));
    return rows[0];
  }

  /** @throws AppError unavailable */
  profile(id: string) {
    const query = this.#db.selectFrom('account').select(['id', 'email', 'name', 'role']).where('id', '=', id);
    return orUnavailable(query.where('deleted_at', 'is', null).executeTakeFirst());
  }

  /** The account's live sessions, newest first, at most 100. @throws AppError unavailable */
  sessions(id: string) {
    const query = this.#db
      .selectFrom('session as s')
      .innerJoin('account as a', 'a.id', 's.user_id')
      .select(['s.id', 's.created_at', 's.refreshed_at', 's.expires_at', 's.user_agent'])
      .where('s.user_id', '=', id)
      .where('s.revoked_at', 'is', null)
      .where('s.expires_at', '>', sql<Date>`now()`)
      .whereRef('s.credentials_version', '>=', 'a.credentials_version')
      .orderBy('s.id', 'desc')
      .limit(maxListed);
    return orUnavailable(query.execute());
  }

  async #find(emails: string[]): Promise<(Account | undefined)[]> {
    const { rows } = await this.#db.executeQuery<Account>(CompiledQuery.raw(byEmail, [[...new Set(emails)]]));
    const found = new Map(rows.map((account) => [account.email, account]));
    return emails.map((email) => found.get(email));
  }
}
