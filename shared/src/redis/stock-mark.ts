import type { Redis } from 'ioredis';

/**
 * The mark without which nobody believes a level in Redis: it says that every product's level was written, and that no
 * inventory process has owed one for longer than the mark lives. It dies by itself when nobody can vouch for that.
 * Its name is that of a mark which once was for ever; one without an end is not believed.
 */
export const stockMarkKey = 'stock:complete';

/** How old what the mark vouches for may be at most: from the moment at which an inventory process last vouched for itself. */
export const stockMarkLifeMs = 3_000;

/**
 * How much longer the levels may be believed, in ms, by what PTTL answers of the mark; none when it is missing, or has no
 * end, or a later one than anybody may have given it: the server's clock was set back.
 */
export const trustLeftMs = (pttl: unknown): number =>
  typeof pttl === 'number' && pttl > 0 && pttl <= stockMarkLifeMs ? pttl : 0;

/**
 * The end is a time of the server's own clock, read before the inventory looked whether all is well: however long the
 * command was on its way, or stood in the buffer of a frozen server, it does not vouch for later than that.
 */
const renewScript = `
  local now = redis.call('TIME')
  local left = tonumber(ARGV[1]) - (now[1] * 1000 + math.floor(now[2] / 1000))
  if left < 1 or left > tonumber(ARGV[2]) then return 'late' end
  if ARGV[3] == '0' and redis.call('EXISTS', KEYS[1]) == 0 then return 'missing' end
  redis.call('SET', KEYS[1], 'renewed', 'PX', left)
  return 'renewed'`;

type WithScript = Redis & {
  renewStockMark(key: string, untilMs: number, lifeMs: number, create: 0 | 1): Promise<'renewed' | 'missing' | 'late'>;
};

/** How the inventory keeps the mark. Every method @throws when Redis cannot be reached or refuses */
export class StockMark {
  readonly #redis: WithScript;

  constructor(redis: Redis) {
    redis.defineCommand('renewStockMark', { numberOfKeys: 1, lua: renewScript });
    this.#redis = redis as WithScript;
  }

  /** The clock of the Redis server, in ms. */
  async now(): Promise<number> {
    const [seconds, microseconds] = await this.#redis.time();
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  }

  /**
   * Lets the mark live until then, by the server's clock, which must be at most `stockMarkLifeMs` from now.
   * @param create whether to set it where there is none: only after all levels have been written
   */
  renew(untilMs: number, create: boolean): Promise<'renewed' | 'missing' | 'late'> {
    return this.#redis.renewStockMark(stockMarkKey, Math.floor(untilMs), stockMarkLifeMs, create ? 1 : 0);
  }

  async withdraw(): Promise<void> {
    await this.#redis.del(stockMarkKey);
  }
}
