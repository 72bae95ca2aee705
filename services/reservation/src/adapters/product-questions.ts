import { z } from 'zod';
import type { InternalClient } from '@flash-sale/shared/messaging/http-client.ts';
import { Batcher } from '@flash-sale/shared/messaging/batcher.ts';

const answerSchema = z.strictObject({ known: z.array(z.uuid()) });
const maxRemembered = 10_000;
/** A product may be created at any moment, and must not be reported as missing for longer than this. */
const rememberedForMs = 1_000;

/**
 * Asks the inventory whether products exist, many in one request, so that made-up ids cost little: each is asked for at most once
 * a second, and while a request is under way further ids wait for the next one.
 */
export class ProductQuestions {
  readonly #inventory: Pick<InternalClient, 'post'>;
  readonly #questions: Batcher<string, boolean>;
  /** Missing product → until when it need not be asked for again. */
  readonly #missing = new Map<string, number>();

  constructor(inventory: Pick<InternalClient, 'post'>) {
    this.#inventory = inventory;
    this.#questions = new Batcher({ flush: (ids) => this.#ask(ids), maxItems: 256, maxQueued: 10_000 });
  }

  /** Whether the inventory has answered that the product does not exist; false when it does not answer. */
  async isMissing(productId: string): Promise<boolean> {
    if ((this.#missing.get(productId) ?? 0) > performance.now()) return true;
    const missing = await this.#questions.run(productId).catch(() => false);
    if (!missing) return false;
    if (this.#missing.size >= maxRemembered) this.#missing.clear();
    this.#missing.set(productId, performance.now() + rememberedForMs);
    return true;
  }

  async #ask(ids: string[]): Promise<boolean[]> {
    const body = { ids: [...new Set(ids)] };
    const { known } = answerSchema.parse(await this.#inventory.post('inventory', '/products/known', body));
    const existing = new Set(known);
    return ids.map((id) => !existing.has(id));
  }
}
