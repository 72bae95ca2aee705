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
import type { Caller } from './refusals.ts';
import type { Priority } from './waiting-line.ts';

const minute = 60;
const hour = 3_600;
const knownForSeconds = 7 * 24 * hour;
const doubtfulForSeconds = 15 * minute;
/** With so many wrong passwords from one IPv6 network within that time, the whole network is suspect. */
const wrongOfNetworkMax = 20;

export interface LimitOptions {
  redis: Redis;
  exempt: AddressSet;
  logInsPerAddress: number;
  failuresPerAccountAndAddress: number;
  failuresPerAccount: number;
  triesPerNewAddress: number;
  registrationsPerAddress: number;
  /** How many addresses a /48 network of IPv6 counts as. */
  addressesPerNetwork: number;
}

/** Who tries the password of which account. */
export interface Guess {
  address: string | undefined;
  email: string;
  /** The known device or session of the account, if any; it has a count of its own, from whatever address. */
  known?: string | undefined;
}

/**
 * Limits on guessing passwords and creating accounts. They slow attackers down and lock no owner out.
 *
 * Guesses at one account from one address are stopped after a few failures a minute; guesses from many addresses by a count for
 * each account and hour. That count cannot be used to lock the owner out: known devices, and addresses from which the account was
 * lately used, have counts of their own, and every other address has a few tries of its own first. An IPv6 network has not a few
 * tries for each of its addresses, but as many as a few addresses.
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

  /** Runs a log-in, which counts for its address whether it succeeds or fails. @throws AppError too-many-requests, and what the work throws */
  async logIn<T>(address: string | undefined, work: () => Promise<T>): Promise<T> {
    return this.#exempt.has(address) ? work() : this.#address.around(address, work);
  }

  /**
   * Runs one try of a password. A wrong one counts; a right one does not, nor does a try without an outcome.
   * @param verify what comes of it if the password is right, and nothing if it is wrong; waits for its turn by the priority
   * @throws AppError too-many-requests, overloaded, and what `verify` throws
   */
  async guess<Right>(guess: Guess, verify: (priority: Priority) => Promise<Right>): Promise<Right> {
    const { address, email, known } = guess;
    if (this.#exempt.has(address)) return verify(known === undefined ? 'fresh' : 'known');
    const account = keyOf(email);
    const pair = pairOf(account, address);
    const who = known === undefined ? pair : `${account}:${known}`;
    const [isKnownAddress, isDoubtful] = await Promise.all([this.#is(knownKey(pair)), this.#isDoubtful(address)]);
    const reservations: Reservation[] = [];
    try {
      // One after the other: what the first refuses must not count against the account.
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

  /** Who stands in the line for a hash: known again when it comes back from there. */
  callerOf(address: string | undefined, email: string): Caller {
    return () => ({
      who: pairOf(keyOf(email), address),
      client: this.#exempt.has(address) ? undefined : (networkOf(address) ?? clientOf(address)),
    });
  }

  /** First the address's own tries, if any are free, then those that all new addresses share. */
  async #asNewAddress(account: string, address: string | undefined): Promise<Reservation> {
    const own = await this.#newAddress.reserveNow(address, account).catch(noneLeft);
    if (own) return own;
    const shared = await this.#account.reserve(account).catch(noneLeft);
    // Its own tries may be taken by attempts still under way; those with the right password are given back.
    return shared ?? this.#newAddress.reserve(address, account);
  }

  #isDoubtful(address: string | undefined): Promise<boolean> {
    const network = networkOf(address);
    return this.#is(doubtfulKey(clientOf(address)), ...(network === undefined ? [] : [doubtfulKey(network)]));
  }

  /** One wrong password makes an address suspect; a network only many, since many people may share it. */
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
const keyOf = (email: string) => createHash('sha256').update(email).digest('base64url');
const pairOf = (account: string, address: string | undefined) => `${account}:${clientOf(address)}`;
const knownKey = (pair: string) => `log-in:known:${pair}`;
/** Addresses that have lately sent a wrong password. */
const doubtfulKey = (client: string) => `log-in:doubtful:${client}`;
