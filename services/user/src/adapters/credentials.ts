import type { Account } from './accounts.ts';
import { CredentialCache } from './credential-cache.ts';
import { hashOfNoPassword, hashPassword, verifyPassword, type Derive } from './passwords.ts';
import { PasswordQueue, type Caller, type PasswordQueueOptions, type Priority } from './password-queue.ts';

export interface CredentialOptions extends PasswordQueueOptions {
  cacheMax: number;
  cacheMs: number;
  derive: Derive;
}

/** Hashes and verifies passwords, with a limit on how many at once. */
export class Credentials {
  readonly #queue: PasswordQueue;
  readonly #cache: CredentialCache;
  readonly #derive: Derive;

  constructor(options: CredentialOptions) {
    this.#queue = new PasswordQueue(options);
    this.#cache = new CredentialCache({ maxEntries: options.cacheMax, ttlMs: options.cacheMs });
    this.#derive = options.derive;
  }

  /** @throws AppError overloaded */
  hash(password: string, priority: Priority, caller: Caller): Promise<string> {
    return this.#queue.run(priority, () => hashPassword(password, this.#derive), caller);
  }

  /**
   * Whether this is the account's password. Without an account it is not, after as much work as for a wrong password, so that the
   * time does not reveal who has an account.
   * @throws AppError overloaded
   */
  async verify(account: Account | undefined, password: string, priority: Priority, caller: Caller): Promise<boolean> {
    const verify = (hash: string) => verifyPassword(password, hash, this.#derive);
    if (!account) {
      await this.#queue.run(priority, () => verify(hashOfNoPassword), caller);
      return false;
    }
    const credentials = { userId: account.id, passwordHash: account.passwordHash, password };
    if (this.#cache.has(credentials)) return true;
    const right = await this.#queue.run(priority, () => verify(account.passwordHash), caller);
    if (right) this.#cache.remember(credentials);
    return right;
  }
}
