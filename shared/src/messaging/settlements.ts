import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Logger } from '../log.ts';
import { Batcher } from './batcher.ts';

const maxWaiters = 50_000;
/** How often a waiter looks for itself, for the case that the news never came. */
const lookEveryMs = 1_000;

/** A message costs much and its reader waits anyway, so under load many pieces of news share one. */
const newsLimits = { maxItems: 1_000, maxQueued: 10_000, shortestRestMs: 10 };
const newsSchema = z.array(z.string().max(64)).max(newsLimits.maxItems);

/** Where the instances of a service tell each other what is settled. */
export const settledChannel = (what: string): string => `settled:${what}`;

/**
 * Lets requests wait until something is settled. Within the process the news comes with the commit; from other instances
 * over a Redis channel; and should both fail, a slow look at the state serves the waiter.
 */
export class Settlements<View> {
  readonly #waiting = new Map<string, Set<(view: View | undefined) => void>>();
  readonly #channel: string;
  readonly #news: Batcher<string, void> | undefined;
  readonly #log: Logger;
  readonly #waitsEnd: AbortSignal | undefined;
  #waiters = 0;

  constructor(options: {
    channel: string;
    publisher?: Redis;
    subscriber?: Redis;
    waitsEnd?: AbortSignal;
    log: Logger;
  }) {
    this.#waitsEnd = options.waitsEnd;
    // A stopping service at last answers its waiters with the state as it stands.
    options.waitsEnd?.addEventListener('abort', () => {
      for (const id of this.#waiting.keys()) this.#wake(id, undefined);
    });
    this.#channel = options.channel;
    const { publisher } = options;
    this.#news = publisher && new Batcher({ flush: (ids) => this.#publish(publisher, ids), ...newsLimits });
    this.#log = options.log;
    options.subscriber?.on('message', (channel, message) => {
      if (channel === this.#channel) this.#hear(message);
    });
    // ioredis subscribes again by itself after a reconnect, but only to what once succeeded; hence on every connect.
    options.subscriber?.on('ready', () => void options.subscriber?.subscribe(this.#channel).catch(() => {}));
  }

  /** To be called after the commit that settled it. */
  settle(id: string, view: View): void {
    if (this.#wake(id, view)) return;
    // News that is lost is made up for by the slow look.
    this.#news?.run(id).catch(() => {});
  }

  /**
   * Waits until `id` is settled, at most `timeoutMs`.
   * @param look reads the state; answers undefined while it is not settled
   * @param giveUp ends the wait early when it resolves
   * @returns the settled view, or undefined
   */
  async wait(
    id: string,
    timeoutMs: number,
    look: () => Promise<View | undefined>,
    giveUp?: Promise<void>,
  ): Promise<View | undefined> {
    if (timeoutMs <= 0 || this.#waiters >= maxWaiters || this.#waitsEnd?.aborted) return undefined;
    this.#waiters += 1;
    const news = Promise.withResolvers<View | undefined>();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(news.resolve));
    const ask = () =>
      look().then(
        (view) => view && news.resolve(view),
        () => {},
      );
    const looking = setInterval(() => void ask(), lookEveryMs);
    const deadline = setTimeout(() => news.resolve(undefined), timeoutMs);
    void giveUp?.then(() => news.resolve(undefined));
    try {
      const view = await news.promise;
      // What was asked for is committed: a look that fails leaves its outcome open, and is no failure of the request.
      return view ?? (await look().catch(() => undefined));
    } finally {
      clearInterval(looking);
      clearTimeout(deadline);
      this.#waiters -= 1;
      waiting.delete(news.resolve);
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    }
  }

  #wake(id: string, view: View | undefined): boolean {
    const waiting = this.#waiting.get(id);
    if (!waiting) return false;
    for (const resolve of waiting) resolve(view);
    return true;
  }

  #hear(message: string): void {
    try {
      for (const id of newsSchema.parse(JSON.parse(message))) this.#wake(id, undefined);
    } catch (error) {
      this.#log.warn({ reason: String(error).slice(0, 200) }, 'news of a settlement cannot be read');
    }
  }

  async #publish(publisher: Redis, ids: string[]): Promise<void[]> {
    await publisher.publish(this.#channel, JSON.stringify(ids));
    return ids.map(() => {});
  }
}
