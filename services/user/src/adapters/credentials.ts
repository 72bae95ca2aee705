import type { Account } from './accounts.ts';
import { CredentialCache } from './credential-cache.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { Semaphore } from './semaphore.ts';

export interface CredentialOptions {
  concurrency: number;
  maxQueued: number;
  longestWaitMs: number;
  cacheMax: number;
  cacheMs: number;
}

/** Hashes and verifies passwords, no more at once than the machine can bear. */
export class Credentials {
  readonly #semaphore: Semaphore;
  readonly #cache: CredentialCache;
  readonly #dummyHash: Promise<string>;

  constructor(options: CredentialOptions) {
    this.#semaphore = new Semaphore(options);
    this.#cache = new CredentialCache({ maxEntries: options.cacheMax, ttlMs: options.cacheMs });
    this.#dummyHash = hashPassword('');
  }

  /** @throws AppError overloaded */
  hash(password: string): Promise<string> {
    return this.#semaphore.run(() => hashPassword(password));
  }

  /**
   * Whether this is the account's password. Without an account the answer is no, after as much work as for a wrong
   * password, so that the time it takes does not tell who has an account.
   * @throws AppError overloaded
   */
  async verify(account: Account | undefined, password: string): Promise<boolean> {
    if (!account) {
      const dummyHash = await this.#dummyHash;
      await this.#semaphore.run(() => verifyPassword(password, dummyHash));
      return false;
    }
    const credentials = { userId: account.id, passwordHash: account.passwordHash, password };
    if (this.#cache.has(credentials)) return true;
    const right = await this.#semaphore.run(() => verifyPassword(password, account.passwordHash));
    if (right) this.#cache.remember(credentials);
    return right;
  }
}
