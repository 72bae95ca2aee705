import { z } from 'zod';
import type { InternalClient } from '@flash-sale/shared/messaging/http-client.ts';
import { Batcher } from '@flash-sale/shared/messaging/batcher.ts';

const answerSchema = z.strictObject({ orders: z.record(z.uuid(), z.array(z.uuid())) });

/**
 * Asks the reservation service which orders a shopper has or is about to have: it has announced them to the shopper, perhaps
 * before their events have arrived here. Questions about many shoppers share one request.
 */
export class ExpectedOrders {
  readonly #reservations: Pick<InternalClient, 'post'>;
  readonly #questions: Batcher<string, string[]>;

  constructor(reservations: Pick<InternalClient, 'post'>) {
    this.#reservations = reservations;
    this.#questions = new Batcher({ flush: (users) => this.#ask(users), maxItems: 256, maxQueued: 10_000 });
  }

  /** The ids of a shopper's latest orders; none when the reservation service does not answer. */
  of(userId: string): Promise<string[]> {
    return this.#questions.run(userId).catch(() => []);
  }

  async #ask(users: string[]): Promise<string[][]> {
    const body = { users: [...new Set(users)] };
    const { orders } = answerSchema.parse(await this.#reservations.post('reservation', '/orders/latest', body));
    return users.map((user) => orders[user] ?? []);
  }
}
