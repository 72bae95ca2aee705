import { randomUUID } from 'node:crypto';
import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { AppError, isRefusal } from '@flash-sale/contract/errors.ts';
import { remembered } from '../remembered.ts';
import { MemoryCounter, RedisCounter, type LimitCounter, type Take } from './limit-counters.ts';

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
  return isIP(plain) === 6 ? networkWith(plain, 64) : plain;
}

/** The /48 around a client of IPv6, which one customer may have as a whole. None for IPv4, of which everybody has single addresses. */
export function networkOf(address: string | undefined): string | undefined {
  const plain = plainAddress(address);
  return isIP(plain) === 6 ? networkWith(plain, 48) : undefined;
}

/** @param address of IPv6, as `plainAddress` writes it @param bits a multiple of 16 */
function networkWith(address: string, bits: 48 | 64): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) while (groups.length < bits / 16) groups.push('0');
  return `${groups.slice(0, bits / 16).join(':')}::/${bits}`;
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
    return this.#has(address ?? '');
  }

  readonly #has = remembered((address) => {
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  });
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

/** For configurations: as how many addresses a /48 network of IPv6 counts. */
export const addressesPerNetwork = z.coerce
  .number()
  .int()
  .min(1)
  .max(65_536)
  .default(4)
  .describe('as so many addresses counts a /48 network of IPv6 as a whole, for one customer may have all of it');

export interface RateLimitOptions {
  redis: Redis;
  /** Prefix of the keys in Redis. */
  name: string;
  points: number;
  windowSeconds: number;
  /** Told to the client. */
  detail: string;
  /** Longest that `reserve` waits for the outcomes of others. */
  maxWaitMs?: number;
}

/** A point that is used already. */
export interface Consumed {
  /** Gives it back, because it turned out not to count. Best effort: nobody waits for it. */
  refund(): void;
}

/** A point whose outcome is open. Exactly one of the two is to be called; if neither is, the point is free after a minute. */
export interface Reservation {
  use(): void;
  release(): void;
}

/**
 * Does work for which a point was used, and gives that back when the work comes to no outcome: when it is shed or fails on our
 * side. A refusal by it, such as "taken already", is an outcome.
 */
export async function counted<T>(consumed: Consumed, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isRefusal(error)) consumed.refund();
    throw error;
  }
}

/** How often who waits looks whether another process has let go of a point; of this process it hears at once. */
const lookEveryMs = 100;
/** Who waits for the points of one key in one process; more are refused. */
const maxLine = 100;
const defaultLongestWaitMs = 20_000;

/**
 * So many points a key and window, counted in Redis by all instances together. While Redis is away each process counts
 * for itself. What is refused does not count.
 *
 * `consume` uses a point before anything is done. `reserve` is for what counts by its outcome: as long as points are
 * only reserved, who comes next waits for their outcome instead of being refused, so that a crowd that does nothing
 * wrong is served whole, and one that guesses gets no try more by coming at once.
 */
export class RateLimit {
  readonly #redis: LimitCounter;
  readonly #memory: LimitCounter;
  readonly #detail: string;
  readonly #maxWaitMs: number;
  readonly #lines = new Map<string, Line>();

  constructor({ redis, name, points, windowSeconds, detail, maxWaitMs = defaultLongestWaitMs }: RateLimitOptions) {
    this.#redis = new RedisCounter(redis, name, { points, windowSeconds });
    this.#memory = new MemoryCounter({ points, windowSeconds });
    this.#detail = detail;
    this.#maxWaitMs = maxWaitMs;
  }

  /** @throws AppError too-many-requests, with the seconds until the window ends */
  async consume(key: string): Promise<Consumed> {
    const { counter, take } = await this.#take(key);
    if (take.answer !== 'taken') throw this.#refusal(take);
    return { refund: () => void counter.refund(key).catch(() => {}) };
  }

  /** A point if there is one right now. @throws AppError too-many-requests when all are used */
  async reserveNow(key: string): Promise<Reservation | undefined> {
    const id = randomUUID();
    const { counter, take } = await this.#take(key, id);
    if (take.answer === 'spent') throw this.#refusal(take);
    if (take.answer === 'busy') return undefined;
    const settle = (used: boolean) => {
      // On the same connection as the next look of who waits, and so before it.
      counter.settle(key, id, used).catch(() => {});
      this.#lines.get(key)?.wake?.();
    };
    return { use: () => settle(true), release: () => settle(false) };
  }

  /** Waits, first come first served, while all points that are not used are reserved. @throws AppError too-many-requests, overloaded */
  async reserve(key: string): Promise<Reservation> {
    const line = this.#lines.get(key) ?? { length: 0, last: Promise.resolve() };
    if (line.length >= maxLine) throw this.#refusal();
    const deadlineMs = performance.now() + this.#maxWaitMs;
    line.length += 1;
    this.#lines.set(key, line);
    const mine = line.last.then(() => this.#firstInLine(key, line, deadlineMs));
    line.last = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      line.length -= 1;
      if (line.length === 0) this.#lines.delete(key);
    }
  }

  async #firstInLine(key: string, line: Line, deadlineMs: number): Promise<Reservation> {
    for (;;) {
      const settled = new Promise<void>((resolve) => (line.wake = resolve));
      const reservation = await this.reserveNow(key);
      if (reservation) return reservation;
      if (performance.now() >= deadlineMs) {
        throw new AppError('overloaded', 'Too many like this at once. Nothing was changed; try again shortly.');
      }
      await Promise.race([settled, sleep(lookEveryMs, undefined, { ref: false })]);
    }
  }

  async #take(key: string, reservation?: string): Promise<{ counter: LimitCounter; take: Take }> {
    try {
      return { counter: this.#redis, take: await this.#redis.take(key, reservation) };
    } catch {
      return { counter: this.#memory, take: await this.#memory.take(key, reservation) };
    }
  }

  #refusal(take?: Take): AppError {
    const ms = take?.answer === 'spent' ? take.msUntilNext : 0;
    return new AppError('too-many-requests', this.#detail, { retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)) });
  }
}

/** Who waits for the points of one key. */
interface Line {
  length: number;
  last: Promise<unknown>;
  wake?: () => void;
}
