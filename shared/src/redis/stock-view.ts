import type { Redis } from 'ioredis';
import { Batcher } from '../messaging/batcher.ts';

/** Units of a product that may still be reserved, as of a version of its stock row. */
export interface StockView {
  available: number;
  version: number;
  /** Rises when the product itself is changed, its price for one: whoever has kept an earlier one reads it anew. */
  revision: number;
}
export type StockLevel = StockView & { productId: string };

/** Where the level of a product stands in Redis. */
export const stockKey = (productId: string): string => `stock:{${productId}}`;
const completeKey = 'stock:complete';

const rememberedForMs = 25;
const mostRemembered = 10_000;

/** Writes a level unless a newer one is there: repeats and late writers change nothing. */
const writeScript = `
  local known = redis.call('HGET', KEYS[1], 'version')
  if known and tonumber(known) >= tonumber(ARGV[2]) then return 0 end
  redis.call('HSET', KEYS[1], 'available', ARGV[1], 'version', ARGV[2], 'revision', ARGV[3])
  return 1`;

type WithScript = Redis & {
  writeStockLevel(key: string, available: number, version: number, revision: number): Promise<number>;
};

/**
 * The shop's read model of stock in Redis. Inventory writes it after each commit; everybody may read it; nobody may
 * rely on it. Every read answers undefined for what Redis does not know or cannot tell. What this process has read is
 * remembered for a moment, so that a crowd looking at one product shares a look.
 */
export class StockViews {
  readonly #redis: WithScript;
  readonly #reads: Batcher<string, StockView | undefined>;
  readonly #remembered = new Map<string, { view: StockView; untilMs: number }>();

  constructor(redis: Redis) {
    redis.defineCommand('writeStockLevel', { numberOfKeys: 1, lua: writeScript });
    this.#redis = redis as WithScript;
    this.#reads = new Batcher({ flush: (ids) => this.#read(ids), maxItems: 512, maxQueued: 50_000 });
  }

  async read(productId: string): Promise<StockView | undefined> {
    const known = this.#remembered.get(productId);
    if (known && performance.now() < known.untilMs) return known.view;
    const view = await this.#reads.run(productId).catch(() => undefined);
    if (view) this.#remember(productId, view);
    return view;
  }

  /** Whether Redis holds the level of every product, so that what it does not know does not exist. */
  async isComplete(): Promise<boolean> {
    return (await this.#redis.exists(completeKey).catch(() => 0)) === 1;
  }

  /** @throws when Redis cannot be reached; levels may then be written in part */
  async write(levels: StockLevel[]): Promise<void> {
    const writes = levels.map(({ productId, available, version, revision }) =>
      this.#redis.writeStockLevel(stockKey(productId), available, version, revision),
    );
    await Promise.all(writes);
    // Whoever asks this process afterwards must not be told less than it has written.
    for (const { productId } of levels) this.#remembered.delete(productId);
  }

  #remember(productId: string, view: StockView): void {
    if (this.#remembered.size >= mostRemembered) this.#remembered.clear();
    this.#remembered.set(productId, { view, untilMs: performance.now() + rememberedForMs });
  }

  /** To be called when the level of every product has been written. */
  async markComplete(): Promise<void> {
    await this.#redis.set(completeKey, '1');
  }

  async #read(ids: string[]): Promise<(StockView | undefined)[]> {
    if (this.#redis.status !== 'ready') return ids.map(() => undefined);
    const distinct = [...new Set(ids)];
    const pipeline = this.#redis.pipeline();
    for (const id of distinct) pipeline.hmget(stockKey(id), 'available', 'version', 'revision');
    const answers = (await pipeline.exec()) ?? [];
    const views = new Map(distinct.map((id, index) => [id, viewOf(answers[index])]));
    return ids.map((id) => views.get(id));
  }
}

function viewOf(answer: [Error | null, unknown] | undefined): StockView | undefined {
  const [error, values] = answer ?? [];
  if (error || !Array.isArray(values)) return undefined;
  const [available, version, revision] = values as (string | null)[];
  if (!available || !version) return undefined;
  // A level that was written before there were revisions is that of a product which nobody could change.
  return { available: Number(available), version: Number(version), revision: Number(revision ?? 1) };
}
