import type { Redis } from 'ioredis';
import { newId } from '../ids.ts';

const thereKey = 'crowd:there';
const overKey = 'crowd:over';
/** How many are over of how many that are there: all that those who look need to read. */
export const crowdCountKey = 'crowd:count';
/** What those with carts write. */
export const crowdKeys = [thereKey, overKey, crowdCountKey];

/** How often a process with carts is to say whether it has too much, and how often one with log-ins looks, however many come. */
export const crowdEveryMs = 100;
/** One that has not got too much says so less often. */
const thereEveryMs = 1_000;
/**
 * A process that has said nothing for so long is not counted any more: it has ended, or hangs. Until then it is as it has said last: one that was
 * over and is gone is no room for others.
 */
const countsForMs = 3_000;
/** Who has heard nothing for so long knows nothing. */
const knownForMs = 1_000;
/**
 * By how much the share that is let in falls at a look that finds all of them over, and grows at one that does not: fast enough to
 * be over a few seconds after the crowd, slow enough beside the time that passes until those let in come to the next step.
 */
const falls = 0.7;
const grows = 1.2;
/** Is let in though all are over. */
const least = 0.05;

/**
 * Notes what one process says and counts what all have said, by the server's own clock: those of the processes may differ. What is of a later time than
 * now was written before the clock was set back, and goes as well.
 */
const tellScript = `
  local time = redis.call('TIME')
  local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  local function count(key, isSo)
    redis.call(isSo and 'ZADD' or 'ZREM', key, unpack(isSo and { nowMs, ARGV[1] } or { ARGV[1] }))
    redis.call('ZREMRANGEBYSCORE', key, '-inf', nowMs - ARGV[3])
    redis.call('ZREMRANGEBYSCORE', key, nowMs + 1, '+inf')
    redis.call('PEXPIRE', key, ARGV[3])
    return redis.call('ZCARD', key)
  end
  local there = count(KEYS[1], true)
  local over = count(KEYS[2], ARGV[2] == '1')
  redis.call('SET', KEYS[3], over .. ' ' .. there, 'PX', ARGV[3])`;

type WithScript = Redis & {
  tellOfCrowd(...args: [...keys: string[], process: string, isOver: 0 | 1, countsForMs: number]): Promise<null>;
};

/** Processes with carts, and those of them that are over; and the share of log-ins that is let in for it here. */
export interface CrowdHeard {
  over: number;
  there: number;
  share: number;
}
const nothingHeard: CrowdHeard = { over: 0, there: 0, share: 1 };

/**
 * By which the processes with carts tell those with log-ins that they have more under way than they get done, so that journeys are refused where
 * they come in and not where they become too much. Each says for itself whether it is over, and that it is there at all: the share that is let in
 * falls while all of them are over. One that is slow all by itself refuses carts, and whoever comes again meets another: to let in fewer would not
 * keep away those who meet it. The share falls and grows step by step (Zhou et al., Overload Control for Scaling WeChat Microservices, 2018), since all or nothing would
 * let in a whole crowd in the moments between. Best effort: without Redis everybody is let in.
 */
export class CrowdSign {
  readonly #redis: WithScript;
  /** Not the instance's name: of two that were given the same one, each would speak for the other. */
  readonly #process = newId();
  #toldAtMs = -Infinity;
  #wasOver = false;
  #lookedAtMs = -Infinity;
  #heardAtMs = -Infinity;
  #heard = nothingHeard;
  /** Grows by the share with each who comes. */
  #credit = 0;

  constructor(redis: Redis) {
    redis.defineCommand('tellOfCrowd', { numberOfKeys: crowdKeys.length, lua: tellScript });
    this.#redis = redis as WithScript;
  }

  /**
   * Whether this process, which has carts, is over; to be called every `crowdEveryMs`, also when it is not. Nobody waits for it.
   * @param isIdle whether nobody comes to it, as when it has just started or is about to end: it is no room for those of whom others have too many
   */
  tell(isOver: boolean, nowMs: number, isIdle = false): void {
    const isNews = isOver || this.#wasOver;
    if (!isNews && (isIdle || nowMs - this.#toldAtMs < thereEveryMs)) return;
    this.#toldAtMs = nowMs;
    this.#wasOver = isOver;
    this.#redis.tellOfCrowd(...crowdKeys, this.#process, isOver ? 1 : 0, countsForMs).catch(() => {});
  }

  /** Whether the one who comes now is let in. */
  letsIn(nowMs: number): boolean {
    if (nowMs - this.#lookedAtMs >= crowdEveryMs) this.#look(nowMs);
    this.#credit += this.#heard.share;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }

  /** What was heard last, if that was lately. */
  heard(nowMs: number): CrowdHeard {
    return nowMs - this.#heardAtMs < knownForMs ? this.#heard : nothingHeard;
  }

  /** What it finds counts for who comes next. */
  #look(nowMs: number): void {
    if (nowMs - this.#heardAtMs >= knownForMs) this.#heard = nothingHeard;
    this.#lookedAtMs = nowMs;
    const heard = (count: string | null) => {
      this.#heardAtMs = nowMs;
      this.#heard = next(this.#heard.share, count);
    };
    // One answer that does not come says nothing.
    this.#redis.get(crowdCountKey).then(heard, () => {});
  }
}

/** @param count as the script leaves it; null where nobody has said anything for a while, and so nobody is over */
function next(share: number, count: string | null): CrowdHeard {
  const [over = 0, there = 0] = (count ?? '').split(' ').map(Number);
  const areAll = over > 0 && over >= there;
  return { over, there, share: areAll ? Math.max(least, share * falls) : Math.min(1, share * grows) };
}
