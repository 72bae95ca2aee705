import { createHmac, createSecretKey, randomBytes } from 'node:crypto';

/** Exactly what was verified: a new password makes a new stored hash, and with it another key. */
export interface Verified {
  userId: string;
  passwordHash: string;
  password: string;
}

/**
 * Remembers for minutes which passwords were right, so that a crowd that logs in again does not pay for a password hash each. It keeps
 * neither passwords nor anything to compute them from: only MACs under a key that lives and dies with this process. Use gives
 * an entry its time anew: another verification of the same password against the same hash could find nothing else, and a
 * crowd that logged in at one moment would have to be verified at one moment again.
 */
export class CredentialCache {
  // Bare bytes would be made into a key at each use: 23 µs instead of 5.
  readonly #key = createSecretKey(randomBytes(32));
  readonly #maxEntries: number;
  readonly #ttlMs: number;
  readonly #clock: () => number;
  /** MAC → when it is forgotten unless it is used; the least recently used stands first. */
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
    this.#put(key);
    return true;
  }

  /** To be called only with credentials that were just verified. */
  remember(credentials: Verified): void {
    const key = this.#macOf(credentials);
    this.#entries.delete(key);
    this.#put(key);
    if (this.#entries.size > this.#maxEntries) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
  }

  /** As the last one used; the key must not be there. */
  #put(key: string): void {
    this.#entries.set(key, this.#clock() + this.#ttlMs);
  }

  /** Neither an id nor a stored hash contains a zero byte, so no two credentials make one text. */
  #macOf({ userId, passwordHash, password }: Verified): string {
    return createHmac('sha256', this.#key).update(`${userId}\0${passwordHash}\0${password}`).digest('base64');
  }
}
