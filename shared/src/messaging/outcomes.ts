import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Logger } from '../log.ts';
import { traced } from '../tracing/running.ts';
import { Batcher } from './batcher.ts';

const maxWaiters = 50_000;
/** How often a waiter looks for itself, in case the news never comes. */
const lookEveryMs = 1_000;

/** A message costs much and its reader waits anyway, so under load many pieces of news share one. */
const newsLimits = { maxItems: 1_000, maxQueued: 10_000, minRestMs: 10 };
const newsSchema = z.array(z.string().max(64)).max(newsLimits.maxItems);

/** Where the instances of a service tell each other what has become of its things. */
export const settledChannel = (what: string): string => `settled:${what}`;

/** What may be waited for: the reservations of a service, say. */
export interface OutcomeSource<View extends { id: string }, Stage extends string> {
  /** Reads one as it is now; or, for a shopper, as new as that shopper has seen it. */
  read: (id: string, userId?: string) => Promise<View | undefined>;
  /** How far a request may wait for one to come, and whether it has. */
  stages: Record<Stage, (view: View) => boolean>;
}

export interface Wait {
  timeoutMs: number;
  /** Ends the wait early when it resolves. */
  giveUp?: Promise<void>;
}

/**
 * Lets requests wait until a thing has come to a stage. Within the process the news comes with the commit; from other
 * instances over a Redis channel; and should both fail, a slow look at the database serves the waiter.
 */
export class Outcomes<View extends { id: string }, Stage extends string> {
  readonly #source: OutcomeSource<View, Stage>;
  readonly #waiting = new Map<string, Set<(view: View | undefined) => void>>();
  readonly #channel: string;
  readonly #news: Batcher<string, void> | undefined;
  readonly #log: Logger;
  readonly #waitsEnd: AbortSignal | undefined;
  #waiters = 0;

  constructor(
    options: OutcomeSource<View, Stage> & {
      channel: string;
      publisher?: Redis;
      subscriber?: Redis;
      /** A service that stops lets its waiters go with the state as it stands. */
      waitsEnd?: AbortSignal;
      log: Logger;
    },
  ) {
    this.#source = options;
    this.#waitsEnd = options.waitsEnd;
    options.waitsEnd?.addEventListener('abort', () => {
      for (const topic of this.#waiting.keys()) this.#wake(topic, undefined);
    });
    this.#channel = options.channel;
    const { publisher } = options;
    this.#news = publisher && new Batcher({ flush: (topics) => this.#publish(publisher, topics), ...newsLimits });
    this.#log = options.log;
    options.subscriber?.on('message', (channel, message) => {
      if (channel === this.#channel) this.#hear(message);
    });
    // ioredis subscribes again by itself after a reconnect, but only to what once succeeded; hence on every connect.
    options.subscriber?.on('ready', () => void options.subscriber?.subscribe(this.#channel).catch(() => {}));
  }

  /** Tells who waits for any stage that it has come to. To be called after the commit. */
  announce(view: View): void {
    for (const stage of Object.keys(this.#source.stages) as Stage[]) {
      if (this.#source.stages[stage](view)) this.settle(view.id, stage, view);
    }
  }

  /**
   * Tells who waits that it has come to this stage. To be called after the commit.
   * @param view spares those who wait in this process their own look
   */
  settle(id: string, stage: Stage, view?: View): void {
    const topic = topicOf(id, stage);
    if (this.#wake(topic, view)) return;
    // The slow look makes up for news that is lost.
    this.#news?.run(topic).catch(() => {});
  }

  /** It as it is now, or as its shopper has seen it, if it has come to this stage. */
  async look(id: string, stage: Stage, userId?: string): Promise<View | undefined> {
    return this.#at(stage, await this.#source.read(id, userId));
  }

  /** Looks, for a shopper, and then waits. @returns it once it has come to this stage; undefined when the time is up before */
  async until(id: string, stage: Stage, userId: string, wait: Wait): Promise<View | undefined> {
    return (await this.look(id, stage, userId)) ?? (await this.wait(id, stage, wait));
  }

  /**
   * Waits as long as a client prefers, from what is known of the thing by now.
   * @param otherwise how to wait for a client without a preference: not at all unless given
   * @returns it once it has come to this stage; undefined when the time is up before
   */
  async asPreferred(view: View, stage: Stage, preferMs: number | undefined, otherwise?: Wait) {
    const wait = preferMs === undefined ? otherwise : { timeoutMs: preferMs };
    return this.#at(stage, view) ?? (wait && (await this.wait(view.id, stage, wait)));
  }

  /** Waits without a look before. @returns it once it has come to this stage; undefined when the time is up before */
  async wait(id: string, stage: Stage, wait: Wait): Promise<View | undefined> {
    if (wait.timeoutMs <= 0 || this.#waiters >= maxWaiters || this.#waitsEnd?.aborted) return undefined;
    return traced(`waits until it is ${stage}`, () => this.#wait(id, stage, wait));
  }

  async #wait(id: string, stage: Stage, { timeoutMs, giveUp }: Wait): Promise<View | undefined> {
    this.#waiters += 1;
    const topic = topicOf(id, stage);
    const news = Promise.withResolvers<View | undefined>();
    const waiting = this.#waiting.get(topic) ?? new Set();
    this.#waiting.set(topic, waiting.add(news.resolve));
    const ask = () =>
      this.look(id, stage).then(
        (view) => view && news.resolve(view),
        () => {},
      );
    const looking = setInterval(() => void ask(), lookEveryMs);
    const deadline = setTimeout(() => news.resolve(undefined), timeoutMs);
    void giveUp?.then(() => news.resolve(undefined));
    try {
      const view = await news.promise;
      // What was asked for is committed: a look that fails leaves its outcome open, and is no failure of the request.
      return view ?? (await this.look(id, stage).catch(() => undefined));
    } finally {
      clearInterval(looking);
      clearTimeout(deadline);
      this.#waiters -= 1;
      waiting.delete(news.resolve);
      if (waiting.size === 0 && this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
    }
  }

  #at(stage: Stage, view: View | undefined): View | undefined {
    return view && this.#source.stages[stage](view) ? view : undefined;
  }

  #wake(topic: string, view: View | undefined): boolean {
    const waiting = this.#waiting.get(topic);
    if (!waiting) return false;
    for (const resolve of waiting) resolve(view);
    return true;
  }

  #hear(message: string): void {
    try {
      for (const topic of newsSchema.parse(JSON.parse(message))) this.#wake(topic, undefined);
    } catch (error) {
      this.#log.warn({ reason: String(error).slice(0, 200) }, 'news of a settlement cannot be read');
    }
  }

  async #publish(publisher: Redis, topics: string[]): Promise<void[]> {
    await publisher.publish(this.#channel, JSON.stringify(topics));
    return topics.map(() => {});
  }
}

/** As instances of other releases say it, too. */
const topicOf = (id: string, stage: string): string => (stage === 'decided' ? id : `${id}/${stage}`);
