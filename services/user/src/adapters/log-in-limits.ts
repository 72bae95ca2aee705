import { createHash } from 'node:crypto';
import { AppError } from '@flash-sale/contract/errors.ts';
import { AddressLimit } from '@flash-sale/shared/http/address-limit.ts';
import {
  clientOf,
  networkOf,
  RateLimit,
  type AddressSet,
  type Reservation,
} from '@flash-sale/shared/http/rate-limit.ts';
import type { Redis } from 'ioredis';
import type { Priority } from './password-queue.ts';

const minute = 60;
const hour = 3_600;
const knownForSeconds = 7 * 24 * hour;
const doubtfulForSeconds = 15 * minute;
/** So many wrong passwords from one network of IPv6 within that time, and all of it is doubtful. */
const wrongOfNetworkMax = 20;

export interface LimitOptions {
  redis: Redis;
  exempt: AddressSet;
  logInsPerAddress: number;
  failuresPerAccountAndAddress: number;
  failuresPerAccount: number;
  triesPerNewAddress: number;
  registrationsPerAddress: number;
  /** As so many addresses counts a /48 network of IPv6. */
  addressesPerNetwork: number;
}

/** Who tries a password of which account. */
export interface Guess {
  address: string | undefined;
  email: string;
  /** The device or session that proves to be the account's; it counts for itself, wherever it comes from. */
  known?: string | undefined;
}

/**
 * Limits on guessing passwords and on making accounts. They slow down and lock nobody out.
 *
 * Who guesses one account's password from one address is stopped after a few failures a minute. Many addresses together are
 * stopped by a count per account and hour. Nobody can use that one to lock the owner out: known devices, and addresses
 * from which the account was lately logged in to, count for themselves, and every other address has a few tries of its own first.
 * A network of IPv6 has not a few for each of its addresses, but as much as a few addresses.
 */
export class Limits {
  readonly #redis: Redis;
  readonly #exempt: AddressSet;
  readonly #address: AddressLimit;
  readonly #minute: RateLimit;
  readonly #known: RateLimit;
  readonly #newAddress: AddressLimit;
  readonly #account: RateLimit;
  readonly #wrongOfNetwork: RateLimit;
  readonly #registration: AddressLimit;

  constructor(options: LimitOptions) {
    const { redis, addressesPerNetwork } = options;
    const limit = (name: string, points: number, windowSeconds: number, detail: string) =>
      new RateLimit({ redis, name, points, windowSeconds, detail });
    const byAddress = (name: string, points: number, windowSeconds: number, detail: string) =>
      new AddressLimit({ redis, name, points, windowSeconds, detail, addressesPerNetwork });
    this.#redis = redis;
    this.#exempt = options.exempt;
    const fromAddress = 'Too many log-ins from this address; try again later.';
    this.#address = byAddress('log-in:address', options.logInsPerAddress, minute, fromAddress);
    const wrong = 'Too many wrong passwords for this account; try again later.';
    this.#minute = limit('log-in:account-address', options.failuresPerAccountAndAddress, minute, wrong);
    this.#known = limit('log-in:known', options.failuresPerAccount, hour, wrong);
    this.#newAddress = byAddress('log-in:new-address', options.triesPerNewAddress, hour, wrong);
    this.#account = limit('log-in:account', options.failuresPerAccount, hour, wrong);
    this.#wrongOfNetwork = limit('log-in:wrong-of-network', wrongOfNetworkMax, doubtfulForSeconds, wrong);
    const registrations = 'Too many registrations from this address; try again later.';
    this.#registration = byAddress('registration:address', options.registrationsPerAddress, minute, registrations);
  }

  /** Runs a registration. @throws AppError too-many-requests, and what the work throws */
  async registration<T>(address: string | undefined, work: (priority: Priority) => Promise<T>): Promise<T> {
    if (this.#exempt.has(address)) return work('fresh');
    return this.#registration.around(address, async () =>
      work((await this.#isDoubtful(address)) ? 'doubtful' : 'fresh'),
    );
  }

  /** Runs a log-in, which counts for its address whether it is right or wrong. @throws AppError too-many-requests, and what the work throws */
  async logIn<T>(address: string | undefined, work: () => Promise<T>): Promise<T> {
    return this.#exempt.has(address) ? work() : this.#address.around(address, work);
  }

  /**
   * Runs one try of a password. A wrong one counts; a right one does not, nor does a try without an outcome.
   * @param verify whether the password is right; waits for its turn by the priority
   * @throws AppError too-many-requests, overloaded, and what `verify` throws
   */
  async guess(guess: Guess, verify: (priority: Priority) => Promise<boolean>): Promise<boolean> {
    const { address, email, known } = guess;
    if (this.#exempt.has(address)) return verify(known === undefined ? 'fresh' : 'known');
    const account = createHash('sha256').update(email).digest('base64url');
    const pair = `${account}:${clientOf(address)}`;
    const who = known === undefined ? pair : `${account}:${known}`;
    const [isKnownAddress, isDoubtful] = await Promise.all([this.#is(knownKey(pair)), this.#isDoubtful(address)]);
    const reservations: Reservation[] = [];
    try {
      // One after the other: what the first refuses must not stand against the account.
      reservations.push(await this.#minute.reserve(who));
      if (known !== undefined || isKnownAddress) reservations.push(await this.#known.reserve(who));
      else reservations.push(await this.#asNewAddress(account, address));
      const priority = known !== undefined ? 'known' : isKnownAddress || !isDoubtful ? 'fresh' : 'doubtful';
      const right = await verify(priority);
      if (right) this.#remember(knownKey(pair), knownForSeconds);
      else {
        for (const reservation of reservations.splice(0)) reservation.use();
        this.#rememberDoubtful(address);
      }
      return right;
    } finally {
      for (const reservation of reservations) reservation.release();
    }
  }

  /** First the address's own tries, as far as they are free right now, then those that all new addresses share. */
  async #asNewAddress(account: string, address: string | undefined): Promise<Reservation> {
    const own = await this.#newAddress.reserveNow(address, account).catch(noneLeft);
    if (own) return own;
    const shared = await this.#account.reserve(account).catch(noneLeft);
    // Its own may be held by tries whose outcome is open: whoever comes with the right password gets them back.
    return shared ?? this.#newAddress.reserve(address, account);
  }

  #isDoubtful(address: string | undefined): Promise<boolean> {
    const network = networkOf(address);
    return this.#is(doubtfulKey(clientOf(address)), ...(network === undefined ? [] : [doubtfulKey(network)]));
  }

  /** One wrong password makes an address doubtful; a whole network only many, for it may be that of many people. */
  #rememberDoubtful(address: string | undefined): void {
    this.#remember(doubtfulKey(clientOf(address)), doubtfulForSeconds);
    const network = networkOf(address);
    if (network === undefined) return;
    this.#wrongOfNetwork.consume(network).catch(() => this.#remember(doubtfulKey(network), doubtfulForSeconds));
  }

  /** Whether one of these is remembered. */
  #is(...keys: string[]): Promise<boolean> {
    return this.#redis.exists(...keys).then(
      (count) => count > 0,
      () => false,
    );
  }

  #remember(key: string, seconds: number): void {
    this.#redis.set(key, '1', 'EX', seconds).catch(() => {});
  }
}

const noneLeft = (error: unknown): undefined => {
  if (!isTooManyRequests(error)) throw error;
};
const isTooManyRequests = (error: unknown): boolean => error instanceof AppError && error.code === 'too-many-requests';
const knownKey = (pair: string) => `log-in:known:${pair}`;
/** Whoever has sent a wrong password of late. */
const doubtfulKey = (client: string) => `log-in:doubtful:${client}`;
