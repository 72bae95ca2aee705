import { createHash } from 'node:crypto';
import { AppError } from '@flash-sale/shared/errors.ts';
import { clientOf, RateLimit, type AddressSet } from '@flash-sale/shared/http/rate-limit.ts';
import type { Redis } from 'ioredis';

const minute = 60;
const hour = 3_600;
const knownForSeconds = 7 * 24 * hour;

export interface LimitOptions {
  redis: Redis;
  exempt: AddressSet;
  logInsPerAddress: number;
  failuresPerAccountAndAddress: number;
  failuresPerAccount: number;
  registrationsPerAddress: number;
}

/** A log-in under way, counted as a failure until it proves to be none. */
export interface Attempt {
  /** The password was right: the attempt does not count, and the address is known for this account from now on. */
  succeeded(): void;
  /** It was not found out whether the password is right: the attempt does not count. */
  undecided(): void;
}

const uncounted: Attempt = { succeeded() {}, undecided() {} };

/**
 * Limits on guessing passwords and on making accounts.
 *
 * Who guesses one account's password from one address is stopped after a few failures. Many addresses together are
 * stopped by a looser count per account; so that nobody can use that one to lock a shopper out, it does not apply to
 * addresses from which the account was lately logged in to.
 */
export class Limits {
  readonly #redis: Redis;
  readonly #exempt: AddressSet;
  readonly #address: RateLimit;
  readonly #accountAndAddress: RateLimit;
  readonly #account: RateLimit;
  readonly #registration: RateLimit;

  constructor(options: LimitOptions) {
    const { redis } = options;
    const limit = (name: string, points: number, windowSeconds: number, detail: string) =>
      new RateLimit({ redis, name, points, windowSeconds, detail });
    this.#redis = redis;
    this.#exempt = options.exempt;
    this.#address = limit(
      'log-in:address',
      options.logInsPerAddress,
      minute,
      'Too many log-ins from this address; try again later.',
    );
    const detail = 'Too many wrong passwords for this account; try again later.';
    this.#accountAndAddress = limit('log-in:account-address', options.failuresPerAccountAndAddress, minute, detail);
    this.#account = limit('log-in:account', options.failuresPerAccount, hour, detail);
    this.#registration = limit(
      'registration:address',
      options.registrationsPerAddress,
      minute,
      'Too many registrations from this address; try again later.',
    );
  }

  /** @throws AppError too-many-requests */
  async registration(address: string | undefined): Promise<void> {
    if (!this.#exempt.has(address)) await this.#registration.consume(clientOf(address));
  }

  /** @throws AppError too-many-requests */
  async logIn(address: string | undefined, email: string): Promise<Attempt> {
    if (this.#exempt.has(address)) return uncounted;
    const client = clientOf(address);
    const account = createHash('sha256').update(email).digest('base64url');
    const pair = `${account}:${client}`;
    // One after the other: what the first refuses must not count against the account.
    await this.#address.consume(client);
    await this.#accountAndAddress.consume(pair);
    try {
      await this.#account.consume(account);
    } catch (refused) {
      if (!(refused instanceof AppError) || !(await this.#isKnown(pair))) throw refused;
    }
    const undecided = () => {
      this.#accountAndAddress.refund(pair);
      this.#account.refund(account);
    };
    return {
      undecided,
      succeeded: () => {
        undecided();
        this.#redis.set(knownKey(pair), '1', 'EX', knownForSeconds).catch(() => {});
      },
    };
  }

  #isKnown(pair: string): Promise<boolean> {
    return this.#redis.exists(knownKey(pair)).then(
      (count) => count > 0,
      () => false,
    );
  }
}

const knownKey = (pair: string) => `log-in:known:${pair}`;
