import { createHmac, randomBytes } from 'node:crypto';

/** Exactly what was verified: a new password makes a new stored hash, and with it another key. */
export interface Verified {
  userId: string;
  passwordHash: string;
  password: string;
}

/**
 * Remembers for minutes which passwords were right, so that a crowd that logs in again does not pay for a password hash each. It keeps
 * neither passwords nor anything to compute them from: only MACs under a key that lives and dies with this process.
 */
export class CredentialCache {
  readonly #key = randomBytes(32);
  readonly #maxEntries: number;
  readonly #ttlMs: number;
  readonly #clock: () => number;
  /** MAC → when it is forgotten; the least recently used stands first. */
  readonly #entries = new Map<string, number>();

  constructor(options: { maxEntries: number; ttlMs: number; clock?: () => number }) {
    this.#maxEntries = options.maxEntries;
    this.#ttlMs = options.ttlMs;
    this.#clock = options.clock ?? (() => performance.now());
  }

  get size(): number {
    return this.#entries.size;
  }

  has(credentials: Verified): boolean {
    const key = this.#macOf(credentials);
    const expiresAt = this.#entries.get(key);
    if (expiresAt === undefined) return false;
    this.#entries.delete(key);
    if (expiresAt <= this.#clock()) return false;
    this.#entries.set(key, expiresAt); // use moves it back in the order, but gives it no more time
    return true;
  }

  /** To be called only with credentials that were just verified. */
  remember(credentials: Verified): void {
    const key = this.#macOf(credentials);
    this.#entries.delete(key);
    this.#entries.set(key, this.#clock() + this.#ttlMs);
    if (this.#entries.size > this.#maxEntries) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
  }

  /** Neither an id nor a stored hash contains a zero byte, so no two credentials make one text. */
  #macOf({ userId, passwordHash, password }: Verified): string {
    return createHmac('sha256', this.#key).update(`${userId}\0${passwordHash}\0${password}`).digest('base64');
  }
}
