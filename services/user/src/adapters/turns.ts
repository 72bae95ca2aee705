import type { Redis } from 'ioredis';

/** How late a client may come for its turn. */
const keptForMs = 30_000;
/** It is written a little later than it is told. */
const earlyMs = 250;

/** By what is left of its life, which Redis alone measures: the clocks of two instances differ, and may be set back. */
const takeTurn = `
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left <= tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
  return left`;

type WithScript = Redis & { takeTurn(key: string, takenWithLeftMs: number): Promise<number> };

/** Who was told to come back, and when: kept in Redis, since a client may come back to another instance. */
export interface Turns {
  /** Uses the turn up if its time has come. @returns milliseconds until then, 0 or less if it has; undefined without a turn */
  take(who: string): Promise<number | undefined>;
  give(who: string, inMs: number): void;
  /** Whether nobody knows who has a turn, as of the last answer. */
  readonly isAway: boolean;
}

/** While Redis is away nobody is known to have a turn, and who comes back is served as the line allows. */
export function redisTurns(redis: Redis): Turns {
  redis.defineCommand('takeTurn', { numberOfKeys: 1, lua: takeTurn });
  let isAway = false;
  const ask = async <T>(answer: Promise<T>): Promise<T | undefined> => {
    try {
      const answered = await answer;
      isAway = false;
      return answered;
    } catch {
      isAway = true;
    }
  };
  return {
    async take(who) {
      const leftMs = (await ask((redis as WithScript).takeTurn(keyOf(who), keptForMs + earlyMs))) ?? -1;
      if (leftMs < 0) return undefined;
      return leftMs <= keptForMs + earlyMs ? 0 : leftMs - keptForMs;
    },
    give(who, inMs) {
      // The value is for the release before, which goes by its own clock.
      void ask(redis.set(keyOf(who), Date.now() + inMs, 'PX', inMs + keptForMs));
    },
    get isAway() {
      return isAway;
    },
  };
}

const keyOf = (who: string) => `log-in:turn:${who}`;
