import type { Redis } from 'ioredis';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Logger } from '../log.ts';

/** How far a database was when it last changed something of a shopper: bytes of its write-ahead log. */
export const positionKey = (service: string, userId: string): string => `position:${service}:${userId}`;

/** After so long without a change a shopper's position is forgotten, and the next read finds it out anew. */
const keptForMs = 3_600_000;
/** Longer than a transaction may take. Of who dies over one the position stays unknown for so long. */
const changingForMs = 60_000;
/** So long nobody waits for Redis that has just not answered: the rows of a transaction are locked meanwhile, and others wait for a read. */
const awayForMs = 1_000;
const settleAtOnce = 1_000;
/** Shoppers of whom Redis does not know that they have been changed; with more than these this process goes by no position any more. */
const maxOwed = 100_000;

/**
 * The greater one stays: two transactions may end in another order than they are told of. Where the key is gone it stays gone, for what
 * others have committed meanwhile went with it.
 */
const changedScript = `
  if redis.call('EXISTS', KEYS[1]) == 0 then return end
  local position = redis.call('HGET', KEYS[1], 'position')
  if not position or tonumber(position) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'position', ARGV[1]) end
  if redis.call('HINCRBY', KEYS[1], 'changing', -1) <= 0 then
    redis.call('HSET', KEYS[1], 'changing', 0)
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end`;
const foundScript = `
  if redis.call('EXISTS', KEYS[1]) == 1 then return end
  redis.call('HSET', KEYS[1], 'position', ARGV[1], 'changing', 0)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

type WithScripts = Redis & {
  positionChanged(key: string, position: number, keptForMs: number): Promise<null>;
  positionFound(key: string, position: number, keptForMs: number): Promise<null>;
};

/** `changing` while a transaction may commit any moment, or Redis does not answer; `unknown` where nobody has said anything. */
export type Position = number | 'changing' | 'unknown';

/**
 * What a replica of a service's database must have reached to show a shopper everything that has been shown or promised to them, on whichever
 * instance. A position is withdrawn before the commit that makes it stale, so that whoever dies in between leaves it unknown, and not wrong.
 */
export class Positions {
  readonly #redis: WithScripts;
  readonly #service: ServiceName;
  readonly #log: Logger;
  /** Their change is committed, or may be, and Redis could not be told beforehand. */
  readonly #owed = new Set<string>();
  #awayUntilMs = -Infinity;
  /** Until then this process trusts no position. */
  #distrustUntilMs = -Infinity;

  constructor(options: { redis: Redis; service: ServiceName; log: Logger }) {
    const { redis, service, log } = options;
    redis.defineCommand('positionChanged', { numberOfKeys: 1, lua: changedScript });
    redis.defineCommand('positionFound', { numberOfKeys: 1, lua: foundScript });
    this.#redis = redis as WithScripts;
    this.#service = service;
    this.#log = log;
  }

  /**
   * To be awaited before a commit that changes something of these shoppers. Without Redis the sale goes on: they are owed. Never rejects.
   * @returns whether it was told; only then may `changed` be called, which takes it back
   */
  async changing(userIds: readonly string[]): Promise<boolean> {
    if (userIds.length === 0) return true;
    if (!this.#isAway) {
      if (await this.#begin(userIds)) return true;
      this.#away();
    }
    if (this.#owed.size === 0)
      this.#log.warn('Redis does not hear whose rows change: replicas may show them as before for a moment');
    for (const userId of userIds) this.#owed.add(userId);
    if (this.#owed.size > maxOwed) {
      // Too many to keep apart.
      this.#owed.clear();
      this.#distrustUntilMs = performance.now() + keptForMs;
    }
    return false;
  }

  /** Once it is committed. Nobody need wait for it: until Redis has heard it, the primary is asked. */
  changed(userIds: readonly string[], position: number): void {
    this.#tell('positionChanged', userIds, position);
  }

  /** What the primary was at, after it has been read for these shoppers, of whom nobody had said anything. */
  found(userIds: readonly string[], position: number): void {
    this.#tell('positionFound', userIds, position);
  }

  #tell(script: 'positionChanged' | 'positionFound', userIds: readonly string[], position: number): void {
    if (userIds.length === 0) return;
    const pipeline = this.#redis.pipeline() as ReturnType<Redis['pipeline']> & WithScripts;
    for (const key of userIds.map(this.#keyOf)) void pipeline[script](key, position, keptForMs);
    void isDone(pipeline.exec());
  }

  /** Of each of these, in their order. Never rejects. */
  async of(userIds: readonly string[]): Promise<Position[]> {
    if (userIds.length === 0) return [];
    if (this.#isAway || performance.now() < this.#distrustUntilMs) return userIds.map(() => 'changing');
    const pipeline = this.#redis.pipeline();
    for (const key of userIds.map(this.#keyOf)) pipeline.hmget(key, 'position', 'changing');
    const answers = await pipeline.exec().catch(() => undefined);
    if (answers?.some(([error]) => error === null) !== true) this.#away();
    return userIds.map((userId, at) => (this.#owed.has(userId) ? 'changing' : positionIn(answers?.[at])));
  }

  /**
   * Tells Redis of the shoppers of whom it could not be told; to be called every now and then. Where they were committed is not known any more, so
   * they are as those of somebody who has died over it. To forget them would not do: what others have told meanwhile stays.
   */
  async settleOwed(): Promise<void> {
    while (this.#owed.size > 0) {
      const some = [...this.#owed].slice(0, settleAtOnce);
      if (!(await this.#begin(some))) return;
      for (const userId of some) this.#owed.delete(userId);
    }
  }

  get #isAway(): boolean {
    return performance.now() < this.#awayUntilMs;
  }

  #away(): void {
    this.#awayUntilMs = performance.now() + awayForMs;
  }

  #begin(userIds: readonly string[]): Promise<boolean> {
    const pipeline = this.#redis.pipeline();
    for (const key of userIds.map(this.#keyOf)) pipeline.hincrby(key, 'changing', 1).pexpire(key, changingForMs);
    return isDone(pipeline.exec());
  }

  readonly #keyOf = (userId: string): string => positionKey(this.#service, userId);
}

type Answers = [error: Error | null, answer: unknown][] | null;

async function isDone(answers: Promise<Answers>): Promise<boolean> {
  const all = await answers.catch(() => null);
  return all !== null && all.every(([error]) => error === null);
}

function positionIn(answer: [error: Error | null, answer: unknown] | undefined): Position {
  if (!answer || answer[0] !== null) return 'changing'; // Redis may know one that it does not tell
  const [position, changing] = answer[1] as [string | null, string | null];
  if (changing !== null && Number(changing) > 0) return 'changing';
  return position === null ? 'unknown' : Number(position);
}
