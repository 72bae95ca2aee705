import type { Request } from 'express';
import type { Redis } from 'ioredis';
import { principalOf } from '@flash-sale/shared/auth.ts';
import { clientOf, networkOf, RateLimit, type AddressSet } from '@flash-sale/shared/http/rate-limit.ts';

const windowSeconds = 60;
/** Keys that a process counts within a window; further ones go to the shared count at once. */
const maxKeys = 100_000;

/** Counts within this process. All keys share one window, so that old counts are dropped together. */
export class LocalAllowance {
  readonly #each: number;
  readonly #counts = new Map<string, number>();
  #windowEndsMs = 0;

  constructor(each: number) {
    this.#each = each;
  }

  /** Takes one from what the key has left in this window. @returns whether there was any */
  take(key: string, nowMs = performance.now()): boolean {
    if (nowMs >= this.#windowEndsMs) {
      this.#counts.clear();
      this.#windowEndsMs = nowMs + windowSeconds * 1_000;
    }
    const used = this.#counts.get(key) ?? 0;
    if (used >= this.#each || (used === 0 && this.#counts.size >= maxKeys)) return false;
    this.#counts.set(key, used + 1);
    return true;
  }
}

/**
 * A limit of requests per minute and key. Asking Redis for each request would cost more than the request. So each process admits
 * a quarter of the limit by its own count; only requests above that go to the shared count in Redis, which admits half of the
 * limit. Two instances together admit the limit, one admits three quarters of it, ten admit three times as much.
 */
class SharedLimit {
  readonly #own: LocalAllowance;
  readonly #shared: RateLimit;

  constructor(redis: Redis, name: string, limit: number, detail: string) {
    this.#own = new LocalAllowance(Math.floor(limit / 4));
    this.#shared = new RateLimit({ redis, name, points: Math.ceil(limit / 2), windowSeconds, detail });
  }

  /** @throws AppError too-many-requests */
  async take(key: string): Promise<void> {
    if (!this.#own.take(key)) await this.#shared.consume(key);
  }
}

export interface LimitOptions {
  redis: Redis;
  exempt: AddressSet;
  cartsPerAccount: number;
  cartsPerAddress: number;
  reservationsPerAccount: number;
  reservationsPerAddress: number;
  /** How many addresses a /48 network of IPv6 counts as. */
  addressesPerNetwork: number;
}

type Limited = [account: SharedLimit, address: SharedLimit, network: SharedLimit];

/** Limits per minute for each account, address and IPv6 network. */
export class Limits {
  readonly #exempt: AddressSet;
  readonly #carts: Limited;
  readonly #reservations: Limited;

  constructor(options: LimitOptions) {
    const { redis, addressesPerNetwork } = options;
    const detail = (what: string, by: string) => `Too many ${what} by this ${by}. Nothing was changed; wait a little.`;
    const limited = (what: string, perAccount: number, perAddress: number): Limited => [
      new SharedLimit(redis, `${what}-account`, perAccount, detail(what, 'account')),
      new SharedLimit(redis, `${what}-address`, perAddress, detail(what, 'address')),
      new SharedLimit(redis, `${what}-network`, perAddress * addressesPerNetwork, detail(what, 'network')),
    ];
    this.#exempt = options.exempt;
    this.#carts = limited('carts', options.cartsPerAccount, options.cartsPerAddress);
    this.#reservations = limited('reservations', options.reservationsPerAccount, options.reservationsPerAddress);
  }

  /** For a request that makes or changes a cart. @throws AppError too-many-requests */
  cart = (request: Request): Promise<void> => this.#take(this.#carts, request);

  /** For a request that reserves or cancels. @throws AppError too-many-requests */
  reservation = (request: Request): Promise<void> => this.#take(this.#reservations, request);

  async #take([account, address, network]: Limited, request: Request): Promise<void> {
    if (this.#exempt.has(request.ip)) return;
    await account.take(principalOf(request).userId);
    await address.take(clientOf(request.ip));
    const all = networkOf(request.ip);
    if (all !== undefined) await network.take(all);
  }
}
