import { createHash } from 'node:crypto';
import { clientOf, RateLimit, type AddressSet, type Reservation } from '@flash-sale/shared/http/rate-limit.ts';
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

  /** Runs a registration. @throws AppError too-many-requests, and what the work throws */
  async registration<T>(address: string | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#exempt.has(address)) return work();
    return this.#registration.around(clientOf(address), work);
  }

  /**
   * Runs one try of a password. A wrong one counts; a right one does not, nor does a try without an outcome.
   * @param verify whether the password is right
   * @throws AppError too-many-requests, overloaded, and what `verify` throws
   */
  async logIn(address: string | undefined, email: string, verify: () => Promise<boolean>): Promise<boolean> {
    if (this.#exempt.has(address)) return verify();
    const client = clientOf(address);
    const account = createHash('sha256').update(email).digest('base64url');
    const pair = `${account}:${client}`;
    return this.#address.around(client, async () => {
      const reservations: Reservation[] = [];
      try {
        // One after the other: what the first refuses must not stand against the account.
        reservations.push(await this.#accountAndAddress.reserve(pair));
        if (!(await this.#isKnown(pair))) reservations.push(await this.#account.reserve(account));
        const right = await verify();
        if (!right) for (const reservation of reservations.splice(0)) reservation.use();
        else this.#redis.set(knownKey(pair), '1', 'EX', knownForSeconds).catch(() => {});
        return right;
      } finally {
        for (const reservation of reservations) reservation.release();
      }
    });
  }

  #isKnown(pair: string): Promise<boolean> {
    return this.#redis.exists(knownKey(pair)).then(
      (count) => count > 0,
      () => false,
    );
  }
}

const knownKey = (pair: string) => `log-in:known:${pair}`;
