import type { StockLevel, StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import { availableOf, type Stock } from '../domain/state.ts';
import type { Catalogue } from './catalogue.ts';
import { UnwrittenLevels } from './unwritten-levels.ts';

export const levelOf = (stock: Stock): StockLevel => ({
  productId: stock.product.id,
  available: availableOf(stock),
  version: stock.version,
  revision: stock.revision,
});

/** Follows the levels that each transaction changes; the transactions of a process never overlap. */
export interface LevelNews {
  /** Changed levels are about to be committed. */
  announced(): void;
  committed(levels: StockLevel[]): void;
  /** The transaction has failed, or its outcome is unknown. */
  failed(levels: StockLevel[]): void;
}

/** Longer than any commit takes: by then its answer may be lost although the level is committed. */
const commitWithinMs = 3_000;

/** Writes levels to Redis after each commit, and remembers those it still owes. */
export class StockPublisher implements LevelNews {
  readonly #views: StockViews;
  readonly #catalogue: Catalogue;
  readonly #unwritten = new UnwrittenLevels();
  readonly #onDebt: () => void;
  readonly #writes = new Set<Promise<void>>();
  #announcedAtMs: number | undefined;

  /** @param options `onDebt` is called when a level comes to be owed while none was */
  constructor(options: { views: StockViews; catalogue: Catalogue; onDebt: () => void }) {
    this.#views = options.views;
    this.#catalogue = options.catalogue;
    this.#onDebt = options.onDebt;
  }

  /** Age in ms of the oldest level that has not been written to Redis; undefined when there is none. */
  get oldestUnwrittenMs(): number | undefined {
    const committingMs = this.#announcedAtMs === undefined ? 0 : performance.now() - this.#announcedAtMs;
    const owedMs = this.#unwritten.oldestMs ?? 0;
    const oldestMs = Math.max(owedMs, committingMs > commitWithinMs ? committingMs : 0);
    return oldestMs > 0 ? oldestMs : undefined;
  }

  announced(): void {
    this.#announcedAtMs = performance.now();
  }

  committed(levels: StockLevel[]): void {
    this.#announcedAtMs = undefined;
    void this.publish(levels);
  }

  failed(levels: StockLevel[]): void {
    this.#announcedAtMs = undefined;
    this.#owe(levels.map(({ productId }) => productId));
  }

  /** Resolves when Redis has the levels, or once they are noted as owed. Never rejects. */
  async publish(levels: StockLevel[]): Promise<void> {
    const write = this.#views.write(levels).then(
      () => {},
      () => this.#owe(levels.map(({ productId }) => productId)),
    );
    this.#writes.add(write);
    await write;
    this.#writes.delete(write);
  }

  /** Resolves when everything published so far is written or owed. */
  async drained(): Promise<void> {
    await Promise.all(this.#writes);
  }

  /** Whether so many levels are owed that only `writeAll` covers them. */
  get owesAll(): boolean {
    return this.#unwritten.take().all;
  }

  /** Tries again to write the owed levels, as they are in PostgreSQL now. Never rejects. */
  async payDebts(): Promise<void> {
    const { productIds, paid } = this.#unwritten.take();
    if (productIds.length === 0) return;
    try {
      await this.#write(await this.#catalogue.levelsOf(productIds));
      paid('listed');
    } catch {
      // They stay owed.
    }
  }

  /** Writes the levels of all products. @returns how many. @throws when PostgreSQL or Redis does not answer or refuses */
  async writeAll(): Promise<number> {
    const { paid } = this.#unwritten.take();
    let products = 0;
    for await (const levels of this.#catalogue.allLevels()) {
      await this.#write(levels);
      products += levels.length;
    }
    paid('all');
    return products;
  }

  /**
   * Writes levels just read from PostgreSQL, over whatever Redis has for the same version. Where Redis has a later version,
   * either another process has committed it in between, or PostgreSQL was restored to an earlier state in which that version does
   * not exist.
   */
  async #write(levels: StockLevel[]): Promise<void> {
    const versions = await this.#views.write(levels, { instead: levels.map(({ version }) => version) });
    const known = new Map(levels.map(({ productId }, index) => [productId, versions[index]!]));
    const behind = levels.filter(({ productId, version }) => known.get(productId)! > version);
    if (behind.length === 0) return;
    const again = await this.#catalogue.levelsOf(behind.map(({ productId }) => productId));
    const restored = again.filter(({ productId, version }) => known.get(productId)! > version);
    await this.#views.write(restored, { instead: restored.map(({ productId }) => known.get(productId)!) });
  }

  #owe(productIds: string[]): void {
    const wasNone = this.#unwritten.oldestMs === undefined;
    this.#unwritten.add(productIds);
    if (wasNone) this.#onDebt();
  }
}
