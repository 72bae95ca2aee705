import type { Redis } from 'ioredis';
import { Batcher } from '../messaging/batcher.ts';
import { stockMarkKey, trustLeftMs } from './stock-mark.ts';

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

const rememberedForMs = 25;
const maxRemembered = 10_000;

/**
 * Writes a level unless a newer one is there: repeats and late writers change nothing. Answers the version that is there
 * now. One that is known to be of a future that PostgreSQL has lost, by a restore, is named and gives way.
 */
const writeScript = `
  local known = redis.call('HGET', KEYS[1], 'version')
  if known and tonumber(known) >= tonumber(ARGV[2]) and known ~= ARGV[4] then return known end
  redis.call('HSET', KEYS[1], 'available', ARGV[1], 'version', ARGV[2], 'revision', ARGV[3])
  return ARGV[2]`;

type WithScript = Redis & {
  writeStockLevel(
    key: string,
    available: number,
    version: number,
    revision: number,
    instead: number | '',
  ): Promise<string>;
};

/** What Redis said of a product, and until when that may be believed, on the clock of this process. */
interface Look {
  view: StockView | undefined;
  believedUntilMs: number;
}

/**
 * The shop's read model of stock in Redis. Inventory writes it after each commit; everybody may read it; nobody may
 * rely on it. Every read answers undefined for what Redis does not know or cannot tell, and for everything while the
 * mark (stock-mark.ts) does not vouch for its age. What this process has read is remembered for a moment, so that a
 * crowd looking at one product shares a look.
 */
export class StockViews {
  readonly #redis: WithScript;
  readonly #reads: Batcher<string, Look>;
  readonly #remembered = new Map<string, { view: StockView; untilMs: number }>();

  constructor(redis: Redis) {
    redis.defineCommand('writeStockLevel', { numberOfKeys: 1, lua: writeScript });
    this.#redis = redis as WithScript;
    this.#reads = new Batcher({ flush: (ids) => this.#read(ids), maxItems: 512, maxQueued: 50_000 });
  }

  async read(productId: string): Promise<StockView | undefined> {
    const now = performance.now();
    const known = this.#remembered.get(productId);
    if (known && now < known.untilMs) return known.view;
    const look = await this.#reads.run(productId).catch(() => undefined);
    if (!look?.view || performance.now() >= look.believedUntilMs) return undefined;
    this.#remember(productId, look.view, look.believedUntilMs);
    return look.view;
  }

  /** What Redis was told last, however long ago: for who would otherwise have nothing at all to show. */
  async readLastKnown(productId: string): Promise<StockView | undefined> {
    return (await this.#reads.run(productId).catch(() => undefined))?.view;
  }

  /** Whether the levels in Redis may be believed, all of them. */
  async areBelieved(): Promise<boolean> {
    return trustLeftMs(await this.#redis.pttl(stockMarkKey).catch(() => 0)) > 0;
  }

  /**
   * @returns the versions that stand in Redis now, in the order of the levels: of one that was known already, the later
   * @throws when Redis cannot be reached or takes no writes; levels may then be written in part
   */
  async write(levels: StockLevel[], options: { instead?: number[] } = {}): Promise<number[]> {
    const writes = levels.map(({ productId, available, version, revision }, index) =>
      this.#redis.writeStockLevel(stockKey(productId), available, version, revision, options.instead?.[index] ?? ''),
    );
    const versions = await Promise.all(writes);
    // Whoever asks this process afterwards must not be told less than it has written.
    for (const { productId } of levels) this.#remembered.delete(productId);
    return versions.map(Number);
  }

  #remember(productId: string, view: StockView, believedUntilMs: number): void {
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    const untilMs = Math.min(performance.now() + rememberedForMs, believedUntilMs);
    this.#remembered.set(productId, { view, untilMs });
  }

  async #read(ids: string[]): Promise<Look[]> {
    if (this.#redis.status !== 'ready') return ids.map(() => ({ view: undefined, believedUntilMs: 0 }));
    const distinct = [...new Set(ids)];
    const sentAtMs = performance.now();
    const pipeline = this.#redis.pipeline().pttl(stockMarkKey);
    for (const id of distinct) pipeline.hmget(stockKey(id), 'available', 'version', 'revision');
    const [mark, ...answers] = (await pipeline.exec()) ?? [];
    const believedUntilMs = sentAtMs + trustLeftMs(mark?.[1]);
    const views = new Map(distinct.map((id, index) => [id, viewOf(answers[index])]));
    return ids.map((id) => ({ view: views.get(id), believedUntilMs }));
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
