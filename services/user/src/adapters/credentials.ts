import { traced } from '@flash-sale/shared/tracing/running.ts';
import type { Account } from './accounts.ts';
import { CredentialCache, type Verified } from './credential-cache.ts';
import { hashOfNoPassword, hashPassword, verifyPassword, type Derive } from './passwords.ts';
import { PasswordQueue, type PasswordQueueOptions, type Where } from './password-queue.ts';
import type { Caller } from './refusals.ts';
import type { Priority } from './waiting-line.ts';

export interface CredentialOptions extends PasswordQueueOptions {
  cacheMax: number;
  cacheMs: number;
  derive: Record<Where, Derive>;
}

/** Hashes and verifies passwords, with a limit on how many at once. */
export class Credentials {
  readonly #queue: PasswordQueue;
  readonly #cache: CredentialCache;
  readonly #derive: Record<Where, Derive>;
  readonly #run: PasswordQueue['run'] = (...turn) => traced('password', () => this.#queue.run(...turn));

  constructor(options: CredentialOptions) {
    this.#queue = new PasswordQueue(options);
    this.#cache = new CredentialCache({ maxEntries: options.cacheMax, ttlMs: options.cacheMs });
    this.#derive = options.derive;
  }

  /** As of now who waits, and the counts of the line. */
  get figures(): Record<string, number> {
    return { waiting: this.#queue.waiting, ...this.#queue.counts };
  }

  /** @throws AppError overloaded */
  hash(password: string, priority: Priority, caller: Caller): Promise<string> {
    return this.#run(priority, (where) => hashPassword(password, this.#derive[where]), caller);
  }

  /**
   * Whether this is the account's password. Without an account it is not, after as much work as for a wrong password, so that the
   * time does not reveal who has an account.
   * @throws AppError overloaded
   */
  async verify(account: Account | undefined, password: string, priority: Priority, caller: Caller): Promise<boolean> {
    const verify = (hash: string) =>
      this.#run(priority, (where) => verifyPassword(password, hash, this.#derive[where]), caller);
    if (!account) {
      await verify(hashOfNoPassword);
      return false;
    }
    const credentials = verified(account, password);
    if (this.#cache.has(credentials)) return true;
    const right = await verify(account.passwordHash);
    if (right) this.#cache.remember(credentials);
    return right;
  }

  /**
   * Verifies the current password and hashes the next one in one turn: who has waited for the first is not refused the second.
   * @returns the hash of the next one; undefined if the current one is wrong
   * @throws AppError overloaded
   */
  change(
    account: Account,
    { current, next }: { current: string; next: string },
    priority: Priority,
    caller: Caller,
  ): Promise<string | undefined> {
    const isKnown = this.#cache.has(verified(account, current));
    let hashes = 0;
    const work = async (where: Where) => {
      const derive: Derive = (of) => {
        hashes += 1;
        return this.#derive[where](of);
      };
      const right = isKnown || (await verifyPassword(current, account.passwordHash, derive));
      return right ? hashPassword(next, derive) : undefined;
    };
    return this.#run(priority, work, caller, () => hashes);
  }
}

const verified = ({ id: userId, passwordHash }: Account, password: string): Verified => ({
  userId,
  passwordHash,
  password,
});
