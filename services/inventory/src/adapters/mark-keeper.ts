import type { Redis } from 'ioredis';
import type { Logger } from '@flash-sale/shared/log.ts';
import { stockMarkLifeMs, type StockMark } from '@flash-sale/shared/redis/stock-mark.ts';
import type { PublishingProcesses } from './publishing-processes.ts';
import type { StockPublisher } from './stock-publisher.ts';

/**
 * Keeps the mark in Redis without which nobody believes a level there, and only while every process of the inventory
 * has lately said that it owes none. Who cannot write a level says so in PostgreSQL, and the others withdraw the mark; who
 * dies before it could say or write anything falls silent, and the mark ends with the time for which it had vouched. Then
 * somebody writes all levels anew, and strikes the dead one out. The changes of stock themselves pay nothing for that.
 */
export class MarkKeeper {
  readonly #redis: Redis;
  readonly #mark: StockMark;
  readonly #processes: PublishingProcesses;
  readonly #publisher: StockPublisher;
  readonly #log: Logger;
  /**
   * What this process knows of the levels in Redis: nothing, after a connect, since another server may be there, or an
   * older state of it; that all were written; that the mark stands, which it sets only then.
   */
  #known: 'nothing' | 'written' | 'marked' = 'nothing';
  #connects = 0;
  #dead: string[] = [];
  #refreshedAtMs = -Infinity;
  #looking: Promise<void> | undefined;

  constructor(options: {
    redis: Redis;
    mark: StockMark;
    processes: PublishingProcesses;
    publisher: StockPublisher;
    log: Logger;
  }) {
    this.#redis = options.redis;
    this.#mark = options.mark;
    this.#processes = options.processes;
    this.#publisher = options.publisher;
    this.#log = options.log;
    this.#redis.on('ready', () => {
      this.#connects += 1;
      this.#known = 'nothing';
    });
  }

  /** Says that this process lives and what it owes, and renews or withdraws the mark. One look at a time. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  /** The same at once, for who has just come to owe a level: a look that is under way may have said the contrary. */
  async lookAnew(): Promise<void> {
    await this.#looking?.catch(() => {});
    await this.look();
  }

  /** Writes all levels if there is a reason to, or if the last time is longer ago than `everyMs`. */
  async refresh(everyMs: number): Promise<void> {
    if (this.#redis.status !== 'ready') return;
    const isDue = this.#known === 'nothing' || this.#dead.length > 0 || this.#publisher.owesAll;
    if (!isDue && performance.now() - this.#refreshedAtMs < everyMs) return;
    const [connects, dead] = [this.#connects, this.#dead];
    const products = await this.#publisher.writeAll();
    this.#refreshedAtMs = performance.now();
    this.#log.debug({ products }, 'stock levels written to Redis');
    if (connects !== this.#connects) return;
    if (this.#known === 'nothing') this.#known = 'written';
    // What a dead one may have owed is written now.
    if (dead.length > 0) await this.#processes.strikeOut(dead, stockMarkLifeMs);
    this.#dead = [];
    await this.lookAnew();
  }

  async #look(): Promise<void> {
    await this.#publisher.payDebts();
    // Before the look at the others, so that the mark cannot vouch for longer than that look does.
    const redisMs = await this.#mark.now().catch(() => undefined);
    const peers = await this.#processes.sayAlive(this.#owes);
    this.#dead = peers.filter(({ ageMs }) => ageMs > stockMarkLifeMs).map(({ process }) => process);
    if (redisMs === undefined) return;
    if (this.#owes || peers.some(({ owes }) => owes)) {
      await this.#mark.withdraw().catch(() => {});
      return;
    }
    if (this.#known === 'nothing') return;
    const untilMs = redisMs + stockMarkLifeMs - Math.max(0, ...peers.map(({ ageMs }) => ageMs));
    const connects = this.#connects;
    const answer = await this.#mark.renew(untilMs, this.#known === 'written').catch(() => undefined);
    if (connects !== this.#connects || answer === undefined || answer === 'late') return;
    this.#known = answer === 'renewed' ? 'marked' : 'nothing';
  }

  get #owes(): boolean {
    return this.#publisher.oldestUnwrittenMs !== undefined;
  }
}
