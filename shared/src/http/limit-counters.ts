import type { Redis } from 'ioredis';

/** What a counter says to who asks for a point: `busy` is when only reservations whose outcome is open stand in the way. */
export type Take = { answer: 'taken' } | { answer: 'busy' } | { answer: 'spent'; msUntilNext: number };

/** So many points a key and window, of which some are used and some only reserved until their outcome is known. */
export interface LimitCounter {
  /** @param reservation its id, for a point whose outcome is open; without one the point is used at once */
  take(key: string, reservation?: string): Promise<Take>;
  /** Ends a reservation: its point is used, or free again. */
  settle(key: string, reservation: string, used: boolean): Promise<unknown>;
  /** Gives a used point back. */
  refund(key: string): Promise<unknown>;
}

export interface CounterOptions {
  points: number;
  windowSeconds: number;
}

/** How long a reservation holds when the process that made it is gone without a word. */
const leaseMs = 60_000;

/** The window begins with the first used point; what was refused is counted nowhere. */
const scripts = {
  takeLimitPoint: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    local used = tonumber(redis.call('GET', KEYS[1]) or '0')
    if used >= tonumber(ARGV[1]) then return {'spent', redis.call('PTTL', KEYS[1])} end
    if used + redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then return {'busy', 0} end
    if ARGV[3] ~= '' then
      redis.call('ZADD', KEYS[2], now + ${leaseMs}, ARGV[3])
      redis.call('PEXPIRE', KEYS[2], ${leaseMs})
    else
      redis.call('SET', KEYS[1], 0, 'EX', ARGV[2], 'NX')
      redis.call('INCR', KEYS[1])
    end
    return {'taken', 0}`,
  settleLimitPoint: `
    redis.call('ZREM', KEYS[2], ARGV[1])
    if ARGV[2] ~= '' then
      redis.call('SET', KEYS[1], 0, 'EX', ARGV[2], 'NX')
      redis.call('INCR', KEYS[1])
    end`,
  refundLimitPoint: `
    if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end`,
};

type WithScripts = Redis & {
  takeLimitPoint(
    used: string,
    reserved: string,
    points: number,
    windowSeconds: number,
    reservation: string,
  ): Promise<[Take['answer'], number]>;
  settleLimitPoint(used: string, reserved: string, reservation: string, windowSeconds: number | ''): Promise<null>;
  refundLimitPoint(used: string): Promise<null>;
};

/** Where the counts of a limit stand in Redis: what they begin with. */
export const limitKey = (name: string): string => `limit:${name}`;

/** Counts for all instances together. Rejects while Redis is away. */
export class RedisCounter implements LimitCounter {
  readonly #redis: WithScripts;
  readonly #prefix: string;
  readonly #options: CounterOptions;

  constructor(redis: Redis, name: string, options: CounterOptions) {
    redis.defineCommand('takeLimitPoint', { numberOfKeys: 2, lua: scripts.takeLimitPoint });
    redis.defineCommand('settleLimitPoint', { numberOfKeys: 2, lua: scripts.settleLimitPoint });
    redis.defineCommand('refundLimitPoint', { numberOfKeys: 1, lua: scripts.refundLimitPoint });
    this.#redis = redis as WithScripts;
    this.#prefix = limitKey(name);
    this.#options = options;
  }

  async take(key: string, reservation = ''): Promise<Take> {
    const { points, windowSeconds } = this.#options;
    const [used, reserved] = this.#keys(key);
    const [answer, ms] = await this.#redis.takeLimitPoint(used, reserved, points, windowSeconds, reservation);
    return answer === 'spent' ? { answer, msUntilNext: ms } : { answer };
  }

  settle(key: string, reservation: string, used: boolean): Promise<unknown> {
    return this.#redis.settleLimitPoint(...this.#keys(key), reservation, used ? this.#options.windowSeconds : '');
  }

  refund(key: string): Promise<unknown> {
    return this.#redis.refundLimitPoint(this.#keys(key)[0]);
  }

  #keys(key: string): [used: string, reserved: string] {
    return [`${this.#prefix}:${key}`, `${this.#prefix}:${key}:reserved`];
  }
}

/** Longest window in memory: the counters are many, one for every key that is met. */
const maxWindowSeconds = 60;
const maxKeys = 50_000;

interface Window {
  used: number;
  reserved: Set<string>;
  endsAtMs: number;
}

/** Counts for this process alone, with windows of at most a minute: the stand-in for Redis. */
export class MemoryCounter implements LimitCounter {
  readonly #points: number;
  readonly #windowMs: number;
  /** In the order in which they end. */
  readonly #windows = new Map<string, Window>();

  constructor({ points, windowSeconds }: CounterOptions) {
    this.#points = points;
    this.#windowMs = Math.min(windowSeconds, maxWindowSeconds) * 1_000;
  }

  take(key: string, reservation?: string): Promise<Take> {
    const nowMs = performance.now();
    const window = this.#window(key, nowMs);
    if (window.used >= this.#points) {
      return Promise.resolve({ answer: 'spent', msUntilNext: window.endsAtMs - nowMs });
    }
    if (window.used + window.reserved.size >= this.#points) return Promise.resolve({ answer: 'busy' });
    if (reservation === undefined) window.used += 1;
    else window.reserved.add(reservation);
    return Promise.resolve({ answer: 'taken' });
  }

  settle(key: string, reservation: string, used: boolean): Promise<void> {
    const window = this.#window(key, performance.now());
    window.reserved.delete(reservation);
    if (used) window.used += 1;
    return Promise.resolve();
  }

  refund(key: string): Promise<void> {
    const window = this.#windows.get(key);
    if (window && window.used > 0) window.used -= 1;
    return Promise.resolve();
  }

  #window(key: string, nowMs: number): Window {
    const known = this.#windows.get(key);
    if (known && known.endsAtMs > nowMs) return known;
    // A reservation outlives the window in which it was made: its outcome is still open.
    const window = { used: 0, reserved: known?.reserved ?? new Set<string>(), endsAtMs: nowMs + this.#windowMs };
    this.#windows.delete(key);
    for (const [oldest, { endsAtMs }] of this.#windows) {
      if (endsAtMs > nowMs && this.#windows.size < maxKeys) break;
      this.#windows.delete(oldest);
    }
    this.#windows.set(key, window);
    return window;
  }
}
