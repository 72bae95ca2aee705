import type { Redis } from 'ioredis';
import type { Logger } from '@flash-sale/shared/log.ts';
import { stockMarkLifeMs, type StockMark } from '@flash-sale/shared/redis/stock-mark.ts';
import type { PublishingProcesses } from './publishing-processes.ts';
import type { StockPublisher } from './stock-publisher.ts';

/**
 * Keeps a mark in Redis, with an expiry. Readers trust the levels in Redis only while the mark is there. It is renewed only
 * while every inventory process has recently reported in PostgreSQL that it owes Redis no level. A process that cannot write a
 * level reports that, and the others remove the mark. A process that dies stops reporting, so the mark expires; then another
 * process writes all levels again and deletes the dead one's report. Changes of stock themselves cost nothing extra.
 */
export class MarkKeeper {
  readonly #redis: Redis;
  readonly #mark: StockMark;
  readonly #processes: PublishingProcesses;
  readonly #publisher: StockPublisher;
  readonly #log: Logger;
  /**
   * What this process knows of Redis: nothing (after each connect, since it may be another server, or an older state of this
   * one); that all levels were written; that the mark is set, which it sets only after that.
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

  /** Reports that this process is alive and whether it owes levels, and renews or removes the mark. One run at a time. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  /** The same at once, when a level has just come to be owed: a run under way may have reported the contrary. */
  async lookAnew(): Promise<void> {
    await this.#looking?.catch(() => {});
    await this.look();
  }

  /** Writes all levels if needed, or if they were last written more than `everyMs` ago. */
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
    // Whatever the dead processes owed is written now.
    if (dead.length > 0) await this.#processes.strikeOut(dead, stockMarkLifeMs);
    this.#dead = [];
    await this.lookAnew();
  }

  async #look(): Promise<void> {
    await this.#publisher.payDebts();
    // Before reading the others' reports, so that the mark cannot outlast what they vouch for.
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
