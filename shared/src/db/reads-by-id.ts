import type { Kysely } from 'kysely';
import { Batcher } from '../messaging/batcher.ts';
import { orUnavailable } from './connection.ts';
import type { Reads } from './reads.ts';

const limits = { maxItems: 256, maxQueued: 20_000 };

/**
 * Reads one row by its id, as it is now; or, for a shopper whose row it is to be, as new as that shopper has seen it, for which a replica may do.
 * Undefined when there is none. @throws AppError unavailable when the database cannot be reached
 */
export type ReadById<View> = (id: string, userId?: string) => Promise<View | undefined>;

/**
 * Reads of single rows that a crowd asks for: those that come together share one query, so that a burst costs a few
 * queries instead of a place in the queue for a connection each.
 * @param read answers the rows of these ids, in any order
 */
export function readsById<DB, Row extends { id: string }, View>(
  reads: Reads<DB>,
  read: (db: Kysely<DB>, ids: string[]) => Promise<Row[]>,
  viewOf: (row: Row) => View,
): ReadById<View> {
  const batcher = new Batcher<{ id: string; userId: string | undefined }, View | undefined>({
    ...limits,
    async flush(asked) {
      const idsOf = (some: typeof asked) => some.map(({ id }) => id);
      const rows = await orUnavailable(reads.ofShoppers(asked, (db, some) => read(db, idsOf(some))));
      // Who asks as the primary knows it is not to get what a replica knew, which was asked for by somebody else in the same moment.
      const byId = new Map(rows.map((row) => [row.id, viewOf(row)]));
      return idsOf(asked).map((id) => byId.get(id));
    },
  });
  return (id, userId) => batcher.run({ id, userId });
}
