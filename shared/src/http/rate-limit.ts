import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { z } from 'zod';
import { AppError } from '../errors.ts';

/** The one spelling of an address: IPv4 mapped into IPv6 is IPv4 again, IPv6 is compressed and has no zone. */
export function plainAddress(address: string | undefined): string {
  const bare = (address ?? '').split('%')[0]!;
  if (isIP(bare) !== 6) return bare;
  const canonical = new SocketAddress({ address: bare, family: 'ipv6' }).address;
  const embedded = canonical.replace(/^::ffff:/i, '');
  return isIPv4(embedded) ? embedded : canonical;
}

/** What counts as one client: an IPv4 address, or the /64 network within which an IPv6 client picks addresses at will. */
export function clientOf(address: string | undefined): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) while (groups.length < 4) groups.push('0');
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** A set of addresses given as CIDRs or single addresses. @throws Error naming the entry that is neither */
export class AddressSet {
  readonly #list = new BlockList();

  constructor(entries: string[]) {
    for (const entry of entries) {
      const [address = '', prefix, ...rest] = entry.split('/');
      const version = isIP(address);
      const bits = version === 4 ? 32 : 128;
      const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
      if (version === 0 || rest.length > 0 || length > bits) throw new Error(`"${entry}" is not an address or CIDR`);
      this.#list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
    }
  }

  has(address: string | undefined): boolean {
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** For configurations: `127.0.0.0/8,::1`. */
export const addressSet = z
  .string()
  .default('')
  .transform((text, context) => {
    const entries = text.split(',').flatMap((entry) => entry.trim() || []);
    try {
      return new AddressSet(entries);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

export interface RateLimitOptions {
  redis: Redis;
  /** Prefix of the keys in Redis. */
  name: string;
  points: number;
  windowSeconds: number;
  /** Told to the client. */
  detail: string;
}

/** Longest window of the stand-in: its counters live in the memory of the process, one for every key it meets. */
const longestInsuredSeconds = 60;

/**
 * So many points a key and window, counted in Redis by all instances together. While Redis is away each process counts
 * for itself. A key that is over its limit is refused from memory until its window ends.
 */
export class RateLimit {
  readonly #limiter: RateLimiterRedis;
  readonly #detail: string;

  constructor({ redis, name, points, windowSeconds, detail }: RateLimitOptions) {
    const keyPrefix = `limit:${name}`;
    this.#detail = detail;
    this.#limiter = new RateLimiterRedis({
      storeClient: redis,
      rejectIfRedisNotReady: true,
      keyPrefix,
      points,
      duration: windowSeconds,
      inMemoryBlockOnConsumed: points + 1,
      insuranceLimiter: new RateLimiterMemory({
        keyPrefix,
        points,
        duration: Math.min(windowSeconds, longestInsuredSeconds),
      }),
    });
  }

  /** @throws AppError too-many-requests, with the seconds until the window ends */
  async consume(key: string): Promise<void> {
    try {
      await this.#limiter.consume(key);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      throw new AppError('too-many-requests', this.#detail, {
        retryAfterSeconds: Math.max(1, Math.ceil(refused.msBeforeNext / 1000)),
      });
    }
  }

  /** Gives a point back that turned out not to count. Best effort: nobody waits for it. */
  refund(key: string): void {
    this.#limiter.reward(key).catch(() => {});
  }
}
