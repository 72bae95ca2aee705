import type { Redis } from 'ioredis';

export const crowdKey = 'crowd';
/** It is raised and looked for no more often, however many come. */
const everyMs = 100;
/** From one raising to the next, and some more. */
const standsMs = 200;
/** Who has heard nothing for so long knows nothing. */
const knownForMs = 1_000;
/**
 * By how much the share that is let in falls with each look that finds it, down to the least, and grows with each that does not: fast enough to
 * be over a few seconds after the crowd, slow enough beside the time that passes until those let in come to the next step.
 */
const falls = 0.7;
const grows = 1.2;
const least = 0.05;

/**
 * By which a process tells the others of a shop that it has more under way than it gets done, so that journeys are refused where they come
 * in and not where they become too much. Who raises it goes on as long as it is so; who looks lets in as many as nobody raises it for: a share that
 * falls and grows (Zhou et al., Overload Control for Scaling WeChat Microservices, 2018), since all or nothing would let in a whole crowd in the
 * moments between. Best effort: without Redis everybody is let in.
 */
export class CrowdSign {
  readonly #redis: Pick<Redis, 'set' | 'exists'>;
  #raisedAtMs = -Infinity;
  #lookedAtMs = -Infinity;
  #heardAtMs = -Infinity;
  #share = 1;
  /** Grows by the share with each who comes. */
  #credit = 0;

  constructor(redis: Pick<Redis, 'set' | 'exists'>) {
    this.#redis = redis;
  }

  /** To be called again and again while it is so. Nobody waits for it. */
  raise(nowMs: number): void {
    if (nowMs - this.#raisedAtMs < everyMs) return;
    this.#raisedAtMs = nowMs;
    this.#redis.set(crowdKey, '1', 'PX', standsMs).catch(() => {});
  }

  /** Whether the one who comes now is let in. */
  letsIn(nowMs: number): boolean {
    if (nowMs - this.#lookedAtMs >= everyMs) this.#look(nowMs);
    this.#credit += this.#share;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }

  /** What it finds counts for who comes next. */
  #look(nowMs: number): void {
    if (nowMs - this.#heardAtMs >= knownForMs) this.#share = 1;
    this.#lookedAtMs = nowMs;
    const heard = (found: number) => {
      this.#heardAtMs = nowMs;
      this.#share = found > 0 ? Math.max(least, this.#share * falls) : Math.min(1, this.#share * grows);
    };
    // One answer that does not come says nothing.
    this.#redis.exists(crowdKey).then(heard, () => {});
  }
}
