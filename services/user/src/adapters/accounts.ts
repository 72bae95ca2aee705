import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import { Batcher } from '@flash-sale/shared/messaging/batcher.ts';
import { CompiledQuery, type Kysely } from 'kysely';
import type { Role } from '../domain/registration.ts';
import type { Tables } from './tables.ts';

export interface Account {
  id: string;
  email: string;
  passwordHash: string;
  role: Role;
}

const byEmail = 'SELECT id, email, password_hash AS "passwordHash", role FROM account WHERE email = ANY($1::text[])';

/** Reads of accounts. A crowd that logs in at once shares its look-ups: one query for all that came meanwhile. */
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
  profile(id: string) {
    const query = this.#db.selectFrom('account').select(['id', 'email', 'name', 'role']).where('id', '=', id);
    return orUnavailable(query.executeTakeFirst());
  }

  async #find(emails: string[]): Promise<(Account | undefined)[]> {
    const { rows } = await this.#db.executeQuery<Account>(CompiledQuery.raw(byEmail, [[...new Set(emails)]]));
    const found = new Map(rows.map((account) => [account.email, account]));
    return emails.map((email) => found.get(email));
  }
}
