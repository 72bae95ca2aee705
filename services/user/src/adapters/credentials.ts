import type { Account } from './accounts.ts';
import { CredentialCache } from './credential-cache.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { PasswordQueue, type PasswordQueueOptions, type Priority } from './password-queue.ts';

export interface CredentialOptions extends PasswordQueueOptions {
  cacheMax: number;
  cacheMs: number;
}

/** Hashes and verifies passwords, with a limit on how many at once. */
export class Credentials {
  readonly #queue: PasswordQueue;
  readonly #cache: CredentialCache;
  readonly #dummyHash: Promise<string>;

  constructor(options: CredentialOptions) {
    this.#queue = new PasswordQueue(options);
    this.#cache = new CredentialCache({ maxEntries: options.cacheMax, ttlMs: options.cacheMs });
    this.#dummyHash = hashPassword('');
  }

  /** @throws AppError overloaded */
  hash(password: string, priority: Priority): Promise<string> {
    return this.#queue.run(priority, () => hashPassword(password));
  }

  /**
   * Whether this is the account's password. Without an account it is not, after as much work as for a wrong password, so that the
   * time does not reveal who has an account.
   * @throws AppError overloaded
   */
  async verify(account: Account | undefined, password: string, priority: Priority): Promise<boolean> {
    if (!account) {
      const dummyHash = await this.#dummyHash;
      await this.#queue.run(priority, () => verifyPassword(password, dummyHash));
      return false;
    }
    const credentials = { userId: account.id, passwordHash: account.passwordHash, password };
    if (this.#cache.has(credentials)) return true;
    const right = await this.#queue.run(priority, () => verifyPassword(password, account.passwordHash));
    if (right) this.#cache.remember(credentials);
    return right;
  }
}
